import test from 'ava'
import fc from 'fast-check'
import {
  nextFraction,
  nextHex,
  nextInteger,
  nextUint32,
  seededRandom,
  shuffle,
} from '../../../../actors/parts/random.ts'

const seed = fc.stringMatching(/^[0-9a-f]{32}$/)

// What PractRand's own `RNG_output sfc32` prints for its seeds 0 and 0x123456789ABCDEF, which it
// keeps as the words a = 0, b, c and the counter 1.
const REFERENCE: Readonly<Record<string, readonly number[]>> = {
  '00000000000000000000000000000001': [
    0x514676c3, 0x08a809df, 0x30349d2b, 0xfb52c520, 0x38802be1, 0x948279e6, 0xec4bf1d9, 0x7cb0a909,
    0xfad8b4a8, 0x3ca4b808, 0x3821b4c5, 0x5e7023ca, 0x50f26bf7, 0xf1e1b0a2, 0x6163032f, 0x3bf3c9a4,
  ],
  '0000000089abcdef0123456700000001': [
    0x84712d97, 0xf5a3d9c8, 0x5cd0a295, 0x35e05b54, 0x4c627ca1, 0x33a043e2, 0xb6113c67, 0x7cab9699,
    0x4a52efeb, 0x5936797f, 0x139e2b9f, 0xc7df3db1, 0x61ce1717, 0x5581e344, 0xbc3016ea, 0xa6bfd381,
  ],
}

for (const [from, values] of Object.entries(REFERENCE)) {
  test(`the generator is sfc32: ${from}`, (t) => {
    const random = seededRandom(from)
    t.deepEqual(
      values.map(() => nextUint32(random)),
      values,
    )
  })
}

test('one seed gives one sequence, another another', (t) => {
  fc.assert(
    fc.property(seed, seed, (a, b) => {
      const [one, two] = [nextHex(seededRandom(a), 128), nextHex(seededRandom(b), 128)]
      t.is(one, nextHex(seededRandom(a), 128))
      // The last bit of a seed is always taken as 1.
      const last = (Number.parseInt(a.slice(-1), 16) | 1) === (Number.parseInt(b.slice(-1), 16) | 1)
      t.is(one === two, a.slice(0, -1) === b.slice(0, -1) && last)
    }),
  )
})

test('fractions, integers and hexadecimal digits stay in their range', (t) => {
  fc.assert(
    fc.property(seed, fc.integer({ min: -1_000, max: 1_000 }), fc.nat(1_000), (from, low, span) => {
      const random = seededRandom(from)
      for (let i = 0; i < 20; i++) {
        const fraction = nextFraction(random)
        t.true(fraction >= 0 && fraction < 1)
        const integer = nextInteger(random, low, low + span + 1)
        t.true(Number.isInteger(integer) && integer >= low && integer <= low + span)
        t.regex(nextHex(random, 64), /^[0-9a-f]{16}$/)
        t.regex(nextHex(random, 128), /^[0-9a-f]{32}$/)
      }
    }),
  )
})

test('every integer of a range is about equally frequent', (t) => {
  const random = seededRandom('0123456789abcdef0123456789abcdef')
  const counts = new Map<number, number>()
  for (let i = 0; i < 100_000; i++) {
    const integer = nextInteger(random, 0, 10)
    counts.set(integer, (counts.get(integer) ?? 0) + 1)
  }
  t.is(counts.size, 10)
  for (const count of counts.values()) t.true(Math.abs(count - 10_000) < 500, `${count}`)
})

test('shuffling keeps the items and reaches every order about equally often', (t) => {
  const random = seededRandom('0123456789abcdef0123456789abcdef')
  const orders = new Map<string, number>()
  for (let i = 0; i < 60_000; i++) {
    const order = shuffle(random, ['a', 'b', 'c']).join('')
    orders.set(order, (orders.get(order) ?? 0) + 1)
  }
  t.is(orders.size, 6)
  for (const count of orders.values()) t.true(Math.abs(count - 10_000) < 500, `${count}`)
})
