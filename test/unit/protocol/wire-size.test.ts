import test from 'ava'
import fc from 'fast-check'
import { encode } from '../../../bus/codec.ts'
import { wireBytes, wireBytesAtMost } from '../../../protocol/wire-size.ts'

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.string({ maxLength: 400 }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 400 }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value'), { maxKeys: 30 }),
  ),
}))

test('never less than the codec makes of it', (t) => {
  fc.assert(
    fc.property(value, (any) => {
      const bytes = encode(any).length
      for (const counted of [wireBytes(any), wireBytesAtMost(any)])
        if (counted < bytes) throw new Error(`${counted} counted, ${bytes} encoded`)
    }),
    { numRuns: 2_000 },
  )
  t.pass()
})

test('never more than five times what the codec makes of it', (t) => {
  fc.assert(
    fc.property(value, (any) => wireBytes(any) <= 5 * encode(any).length),
    { numRuns: 2_000 },
  )
  t.is(wireBytes({}), 5 * encode({}).length)
})

test('of a message that is long enough to be cut it is hardly more', (t) => {
  const offers = Array.from({ length: 1_000 }, (_, i) => ({
    offerId: `17-00000000000000aa-${i}`,
    agentId: `agent-${i}`,
    hostname: `node-${i}.example.com`,
    role: '*',
    resources: [
      { name: 'cpus', scalar: 3.5 },
      { name: 'mem', scalar: 4096 },
      { name: 'ports', ranges: [[31_000, 32_000]] },
    ],
    attributes: [],
  }))
  const [counted, encoded] = [wireBytes(offers), encode(offers).length]
  t.log(`${counted} counted, ${encoded} encoded`)
  t.true(counted >= encoded && counted < encoded * 1.25)
})

test('at the borders of each encoding it is enough', (t) => {
  for (const n of [0, 31, 32, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32]) {
    for (const sign of [1, -1]) {
      for (const near of [-1, 0, 1, 0.5]) {
        const number = sign * (n + near)
        t.true(wireBytes(number) >= encode(number).length, `${number}`)
        t.true(wireBytesAtMost(number) >= encode(number).length, `${number}`)
      }
    }
  }
  for (const n of [0, 1, 15, 16, 31, 32, 63, 64, 65, 255, 256, 65_535, 65_536, 70_000]) {
    for (const letter of ['a', 'ä', '€', '🙂', '\ud800']) {
      const text = letter.repeat(n)
      t.true(wireBytes(text) >= encode(text).length, `${n} × ${letter}`)
      t.true(wireBytesAtMost(text) >= encode(text).length, `${n} × ${letter}`)
    }
    const list = Array.from({ length: n }, () => 0)
    t.true(wireBytes(list) >= encode(list).length)
    const map = Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, 1]))
    t.true(wireBytes(map) >= encode(map).length)
    t.true(wireBytes(new Uint8Array(n)) >= encode(new Uint8Array(n)).length)
  }
})

test('fields that are undefined count nothing', (t) => {
  t.is(wireBytes({ a: 1, b: undefined }), wireBytes({ a: 1 }))
})
