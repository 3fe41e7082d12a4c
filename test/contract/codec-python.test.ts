/** Other languages read what we write, with the same types, and we what they write. */
import test from 'ava'
import { decode, encode } from '../../bus/codec.ts'
import { askPython, fromHex, hasMsgpack, hex } from '../support/python.ts'

const texts = ['', 'plain', 'ä€😀', 'x'.repeat(31), 'x'.repeat(32), 'é'.repeat(300)]
const naturals = [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]
const negatives = [1, 32, 33, 128, 129, 32_768, 32_769, 2 ** 31, 2 ** 31 + 1, 2 ** 53 - 1]
const fractions = [0.5, -0.1, 1e300, 2 ** 60, Number.POSITIVE_INFINITY]
const binaries = [Uint8Array.of(), Uint8Array.of(0, 255), new Uint8Array(70_000).fill(7)]
const lists = [[], naturals, Array.from({ length: 70_000 }, () => 1)]

const corpus: readonly unknown[] = [
  null,
  true,
  false,
  ...texts,
  ...naturals,
  ...negatives.map((value) => -value),
  ...fractions,
  ...binaries,
  ...lists,
  {},
  Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`key-${i}`, i])),
  {
    epoch: 3,
    sentAtMs: 1_763_683_200_000,
    orders: [
      { kind: 'run', resources: [{ name: 'cpus', scalar: 0.5 }], data: Uint8Array.of(1, 2, 3) },
      { kind: 'kill', graceMs: 3_000, gone: undefined },
    ],
  },
]

type Typed = readonly [string, unknown?]

/** `value` as the script says it. */
function typed(value: unknown): Typed {
  if (value === null) return ['nil']
  if (typeof value === 'boolean') return ['bool', value]
  if (typeof value === 'string') return ['str', value]
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? ['int', String(value)] : ['float', doubleHex(value)]
  if (value instanceof Uint8Array) return ['bin', hex(value)]
  if (Array.isArray(value)) return ['list', value.map(typed)]
  const fields = Object.entries(value as object).filter(([, field]) => field !== undefined)
  return ['map', fields.map(([key, field]) => [key, typed(field)])]
}

function doubleHex(value: number): string {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes.toString('hex')
}

test('Python reads what we write, every value with its type', (t) => {
  if (!hasMsgpack(t)) return
  const answers = askPython(corpus.map((value) => `decode ${hex(encode(value))}`))
  for (const [i, answer] of answers.entries()) t.deepEqual(JSON.parse(answer), typed(corpus[i]))
  t.is(answers.length, corpus.length)
})

test('we read what Python writes', (t) => {
  if (!hasMsgpack(t)) return
  const answers = askPython(corpus.map((value) => `encode ${JSON.stringify(typed(value))}`))
  for (const [i, answer] of answers.entries()) {
    const decoded = decode(fromHex(answer))
    t.deepEqual(decoded.ok ? typed(decoded.value) : decoded.refusal, typed(corpus[i]))
  }
  t.is(answers.length, corpus.length)
})
