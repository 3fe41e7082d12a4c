import test from 'ava'
import fc from 'fast-check'
import { Unpackr } from 'msgpackr/pack'
import { decode, decodeNext, encode } from '../../../bus/codec.ts'
import { CONTAINERS_MAX, DEPTH_MAX, MESSAGE_BYTES_MAX } from '../../../protocol/limits.ts'

const hex = (value: unknown): string => Buffer.from(encode(value)).toString('hex')
const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

const decoded = (bytes: Uint8Array): unknown => {
  const result = decode(bytes)
  return result.ok ? result.value : result.refusal.message
}

const written: readonly (readonly [string, unknown, string])[] = [
  ['a small integer is one byte', 7, '07'],
  ['the largest 32-bit integer', 4_294_967_295, 'ceffffffff'],
  ['an integer beyond 32 bits is int64', 4_294_967_296, 'd30000000100000000'],
  ['a time in milliseconds is int64', 1_763_683_200_000, 'd30000019aa3b5ec00'],
  ['a large negative integer is int64', -4_294_967_296, 'd3ffffffff00000000'],
  ['the largest exact integer', Number.MAX_SAFE_INTEGER, 'd3001fffffffffffff'],
  ['a fraction is float64', 0.5, 'cb3fe0000000000000'],
  ['an integer that is not exact is float64', 2 ** 60, 'cb43b0000000000000'],
  ['null is nil', null, 'c0'],
  ['bytes are binary', Uint8Array.of(1, 2), 'c4020102'],
  ['a field that is undefined is left out', { a: undefined, b: 1 }, '81a16201'],
  ['also beside a large integer', { a: 2 ** 32, b: undefined }, '81a161d30000000100000000'],
  ['a key named toJSON is a key', { toJSON: 'x' }, '81a6746f4a534f4ea178'],
  ['a key named constructor is a key', { constructor: 1 }, '81ab636f6e7374727563746f7201'],
  ['half a character becomes U+FFFD', '\ud800', 'a3efbfbd'],
  ['also in a key', { '\udc00': 1 }, '81a3efbfbd01'],
  ['half a character beside a large integer', [2 ** 32, '\ud800'], '92d30000000100000000a3efbfbd'],
  [
    'letters whose bytes begin like half a character',
    ['한', 2 ** 32],
    '92a3ed959cd30000000100000000',
  ],
  ['bytes that look like a float are bytes', Uint8Array.of(0xcb, 0xed, 0xa0), 'c403cbeda0'],
]
for (const [title, value, expected] of written)
  test(`encode: ${title}`, (t) => t.is(hex(value), expected))

test('what looks like JSON is called so', (t) => {
  for (const text of ['{"name": "me"}', '[1]']) {
    const decoded = decode(new TextEncoder().encode(text))
    const message = decoded.ok ? '' : decoded.refusal.message
    t.is(message, 'the payload looks like JSON; msgpack is needed')
  }
  t.true(decode(Uint8Array.of(0x7b)).ok)
})

test('encode: what cannot travel is our own bug', (t) => {
  t.throws(() => encode([undefined]), { message: /undefined cannot travel/ })
  t.throws(() => encode({ f: () => 1 }), { message: /function cannot travel/ })
  t.throws(() => encode({ n: 2n ** 40n }), { message: /bigint cannot travel/ })
})

test('encode: leaves the value as it was', (t) => {
  const value = { at: 2 ** 40, list: [1, 2 ** 41, { deep: '\ud800' }], gone: undefined }
  const before = structuredClone(value)
  encode(value)
  t.deepEqual(value, before)
})

const nested = (levels: number): string => '91'.repeat(levels) + 'c0'
const refused: readonly (readonly [string, string, string])[] = [
  ['nothing at all', '', 'an early end at byte 0'],
  ['a map that ends early', '82a161', 'more announced than there is at byte 0'],
  ['a value that ends early', '81a161cd01', 'more announced than there is at byte 3'],
  ['a string that ends early', 'a3616', 'more announced than there is at byte 0'],
  ['a list of four thousand million', 'ddffffffff', 'more announced than there is at byte 0'],
  ['a map of two thousand million', 'df7fffffff', 'more announced than there is at byte 0'],
  ['two values', '0102', 'more than one value at byte 1'],
  ['a type that does not exist', '91c1', 'an extension type at byte 1'],
  ['a record definition', 'd47240', 'an extension type at byte 0'],
  ['a timestamp', 'd6ff00000000', 'an extension type at byte 0'],
  ['an extension of any length', 'c70142ff', 'an extension type at byte 0'],
  ['a key that is a number', '810101', 'a key that is not a string at byte 1'],
  [
    'a key that is binary',
    '81c4016101',
    'a key that is not a string (a binary one: pack texts as str) at byte 1',
  ],
  ['a key that is a list', '819001', 'a key that is not a string at byte 1'],
  ['a key named __proto__', '81a95f5f70726f746f5f5f80', 'the key __proto__ at byte 1'],
  ['the same in a long form', '81d9095f5f70726f746f5f5f80', 'the key __proto__ at byte 1'],
  ['too many levels', nested(DEPTH_MAX + 1), `more than ${DEPTH_MAX} levels at byte ${DEPTH_MAX}`],
  ['an integer that is not exact', 'cf0020000000000000', 'an integer beyond 2^53 at byte 0'],
  ['a negative one', 'd38000000000000000', 'an integer beyond 2^53 at byte 0'],
  ['a lone continuation byte', 'a180', 'a string that is not UTF-8 at byte 1'],
  ['an overlong form', 'a2c0af', 'a string that is not UTF-8 at byte 1'],
  ['a surrogate', 'a461eda080', 'a string that is not UTF-8 at byte 2'],
  ['a character that ends early', 'a2e282', 'a string that is not UTF-8 at byte 1'],
  ['a character beyond Unicode', 'a4f4908080', 'a string that is not UTF-8 at byte 1'],
]
for (const [title, bytes, problem] of refused)
  test(`decode: refuses ${title}`, (t) => {
    const result = decode(fromHex(bytes))
    t.like(result, { ok: false, refusal: { code: 400, name: 'malformed' } })
    t.is(decoded(fromHex(bytes)), `the payload has ${problem}`)
  })

test('decode: refuses what is larger than a message before it looks at it', (t) => {
  const result = decode(new Uint8Array(MESSAGE_BYTES_MAX + 1))
  t.like(result, { ok: false, refusal: { code: 413, name: 'too-large' } })
})

test('decode: refuses what is nothing but lists and maps, and takes as many ranges as fit', (t) => {
  const maps = Uint8Array.from([0xdd, 0, 3, 0xff, 0xfb, ...new Uint8Array(0x3fffb).fill(0x80)])
  t.is(maps.length, MESSAGE_BYTES_MAX)
  t.regex(String(decoded(maps)), /^the payload has more than 87381 lists and maps at byte 87385$/)
  const ranges = Array.from({ length: CONTAINERS_MAX - 4 }, () => [1, 2])
  t.true(encode({ ranges }).length > MESSAGE_BYTES_MAX - 10)
  t.true(decode(encode({ ranges })).ok)
})

test('decode: takes the deepest level, every width and keys that sound dangerous', (t) => {
  t.true(decode(fromHex(nested(DEPTH_MAX))).ok)
  t.is(decoded(fromHex('cf001fffffffffffff')), Number.MAX_SAFE_INTEGER)
  t.is(decoded(fromHex('d3ffe0000000000001')), Number.MIN_SAFE_INTEGER)
  t.is(decoded(fromHex('ca3fc00000')), 1.5)
  t.deepEqual(decoded(fromHex('81a9636f6e7374727563740a')), { construct: 10 })
  const lookalike = `x${'_proto__'}`
  t.deepEqual(decoded(encode({ [lookalike]: 1, a: { [`_${lookalike}`]: 2 } })), {
    [lookalike]: 1,
    a: { [`_${lookalike}`]: 2 },
  })
})

test('decode: every number comes out of every width', (t) => {
  const numbers = 'dc000bccffcdfffeceffffffffd080d1ff7fd2800000007fe0c0c2c3'
  const expected = [255, 65_534, 4_294_967_295, -128, -129, -2_147_483_648, 127, -32]
  t.deepEqual(decoded(fromHex(numbers)), [...expected, null, false, true])
  t.is(decoded(fromHex('cb8000000000000000')), -0)
  t.is(decoded(fromHex('cbfff8000000000000')), Number.NaN)
})

test('decode: of a key that is given twice the last counts; keys like numbers stay in place', (t) => {
  t.deepEqual(decoded(fromHex('82a16101a16102')), { a: 2 })
  t.deepEqual(decoded(encode({ 7: 'x', b: 1 })), { 7: 'x', b: 1 })
  t.is(Object.getPrototypeOf(decoded(encode({ a: 1 }))), Object.prototype)
})

test('decode: words that share a place are told apart', (t) => {
  const alike = ['abcd', 'aacd', 'abcd', 'a', 'aa', 'aaa', '', 'é', 'aé', 'aÃ©', 'abcd']
  t.deepEqual(decoded(encode(alike)), alike)
  const many = Array.from({ length: 10_000 }, (_, i) => `word-${i}`)
  t.deepEqual(decoded(encode(many)), many)
  t.deepEqual(decoded(encode(many.toReversed())), many.toReversed())
})

test('decode: strings are copies, binary is a view', (t) => {
  const chunk = new Uint8Array(200)
  const given = { short: 'abc', long: 'x'.repeat(50), wide: 'ä'.repeat(20), raw: Uint8Array.of(1) }
  const payload = chunk.subarray(3, 3 + encode(given).length)
  payload.set(encode(given))
  const value = decoded(payload) as typeof given
  t.deepEqual(value, given)
  payload.fill(0)
  t.deepEqual(value, { ...given, raw: Uint8Array.of(0) })
})

test('decode: a long list is as long as it was', (t) => {
  const long = Array.from({ length: 5_000 }, (_, i) => i)
  t.deepEqual(decoded(encode(long)), long)
})

test('decodeNext: says where the next value begins, or what is wrong with the first', (t) => {
  const next = decodeNext(fromHex('92a1610701'))
  t.deepEqual(next, { ok: true, value: ['a', 7], bytes: 4 })
  const damaged = decodeNext(fromHex('92a161c101'))
  t.is(damaged.ok || damaged.refusal.message, 'the payload has an extension type at byte 3')
})

const key = fc.string({ maxLength: 40 }).filter((text) => text !== '__proto__')

/** What may travel. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }).filter((number) => !Object.is(number, -0)),
    fc.string({ unit: 'binary' }),
    fc.array(tie('any'), { maxLength: 20 }),
    fc.dictionary(key, tie('any'), { maxKeys: 20, noNullPrototype: true }),
  ),
})).any

test('decode gives back what was encoded', (t) => {
  fc.assert(
    fc.property(value, (given) => {
      t.deepEqual(decoded(encode(given)), given)
    }),
  )
  t.pass()
})

test('decode reads what msgpackr reads', (t) => {
  const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })
  fc.assert(
    fc.property(value, (given) => {
      const bytes = encode(given)
      t.deepEqual(decoded(bytes), unpackr.unpack(bytes))
    }),
  )
  t.pass()
})

test('no bytes make decode throw', (t) => {
  const message = encode({ kind: 'run', n: 2 ** 40, list: [{ a: 'ä€😀' }, 0.5, null, true] })
  const damaged = fc
    .tuple(fc.nat(message.length - 1), fc.uint8Array({ maxLength: 8 }))
    .map(([at, bytes]) =>
      Uint8Array.from([...message.slice(0, at), ...bytes, ...message.slice(at + 1)]),
    )
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 100 })), (bytes) => {
      const result = decode(bytes)
      return result.ok || result.refusal.code === 400
    }),
    { numRuns: 5_000 },
  )
  t.pass()
})
