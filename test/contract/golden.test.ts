/** What is on the wire is what it was, and a strictly typed reader in another language agrees. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { decode, encode } from '../../bus/codec.ts'
import { check } from '../../protocol/check.ts'
import type { MessageName } from '../../protocol/schema/messages.ts'
import { corpus } from '../support/corpus.ts'
import { GOLDEN_FOLDER, goldenFiles } from '../support/golden.ts'
import { askPython, fromHex, hasMsgpack, hex } from '../support/python.ts'

/** The examples in a golden file, decoded. */
function readGolden(file: string): readonly unknown[] {
  const path = join(GOLDEN_FOLDER, file)
  if (!existsSync(path)) return []
  const decoded = decode(Uint8Array.from(readFileSync(path)))
  return decoded.ok ? (decoded.value as unknown[]) : []
}

/** Every golden message with the name of its file. */
const golden = (): readonly (readonly [MessageName, unknown])[] =>
  [...goldenFiles().keys()].flatMap((file) =>
    readGolden(file).map((value) => [file.replace('.msgpack', '') as MessageName, value] as const),
  )

test('the golden corpus is what `npm run docs` writes: nothing changed on the wire', (t) => {
  const files = goldenFiles()
  t.deepEqual(readdirSync(GOLDEN_FOLDER).toSorted(), [...files.keys()].toSorted())
  for (const [file, bytes] of files)
    t.true(
      Buffer.from(bytes).equals(readFileSync(join(GOLDEN_FOLDER, file))),
      `${file}: npm run docs, and look at what changed`,
    )
})

test('what was once on the wire is still taken', (t) => {
  for (const [name, value] of golden()) {
    const checked = check(name, value)
    t.true(checked.ok, checked.ok ? '' : checked.refusal.message)
  }
})

test('Python takes every golden message by its schema, and what it packs is the same to us', (t) => {
  if (!hasMsgpack(t)) return
  const messages = golden()
  const answers = askPython(
    messages.map(([name, value]) => `message ${name} ${hex(encode(value))}`),
  )
  t.is(answers.length, messages.length)
  for (const [i, answer] of answers.entries()) {
    if (!/^[0-9a-f]+$/.test(answer)) t.fail(answer)
    const decoded = decode(fromHex(answer))
    t.deepEqual(decoded.ok ? decoded.value : decoded.refusal, messages[i]?.[1])
  }
})

test('that reader is strict: what is nearly right is wrong, and named', (t) => {
  if (!hasMsgpack(t)) return
  const [decline = {}] = corpus().get('Decline') ?? []
  const [output = {}] = corpus().get('Output') ?? []
  const nearly: readonly (readonly [string, string])[] = [
    [hex(encode({ ...decline, refuseMs: 1.5 })), 'Decline.refuseMs: float is no integer'],
    // The same number as a double: what packers of other languages must not make of a time.
    ['82a66f666665727391a161a87265667573654d73cb4014000000000000', 'Decline.refuseMs: float'],
    [hex(encode({ ...decline, refuseMs: '5' })), 'Decline.refuseMs: str is no integer'],
    [hex(encode({ refuseMs: 5 })), 'Decline: offers is missing'],
    [hex(encode({ ...decline, offers: [] })), 'Decline.offers: [] against minItems 1'],
    [hex(encode({ ...decline, offers: ['a.b'] })), "Decline.offers[0]: 'a.b' against pattern"],
    [hex(encode({ ...decline, offers: ['a\n'] })), "Decline.offers[0]: 'a\\n' against pattern"],
    [hex(encode({ ...decline, mood: 1 })), 'Decline: mood is no field of it'],
    ['81a66f6666657273d40100', 'extension type 1'],
  ]
  const cases = nearly.map(([bytes]) => `message Decline ${bytes}`)
  const answers = askPython([
    ...cases,
    `message Output ${hex(encode({ ...output, data: 'text' }))}`,
    `message Accept ${hex(encode({ offers: ['a'], operations: [{ kind: 'dance' }] }))}`,
  ])
  const wanted = [
    ...nearly.map(([, what]) => what),
    "Output.data: 'text' against binary",
    "Accept.operations[0]: no such kind as 'dance'",
  ]
  for (const [i, what] of wanted.entries())
    t.true(answers[i]?.startsWith(`wrong: ${what}`), answers[i])
})
