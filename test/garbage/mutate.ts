/** From a message that is right, one that is not: by its fields, or by its bytes. */
import { nextFraction, nextInteger, type Random } from '../../actors/parts/random.ts'
import { encode } from '../../bus/codec.ts'

/** What a field may hold that it should not. */
const EXTREMES: readonly unknown[] = [
  0,
  -0,
  -1,
  0.1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e308,
  5e-324,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 40,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  2 ** 63,
  '',
  '*',
  '>',
  'a.b',
  'a b',
  'a\u0000b',
  'a\u202eb',
  '\u001b[2J',
  'é',
  '../../etc/passwd',
  'constructor',
  'toString',
  '$JS.API.>',
  '_INBOX.x',
  '00000000000000ff',
  '1-00000000000000ff-1',
  'x'.repeat(65),
  'x'.repeat(5_000),
  true,
  false,
  null,
  [],
  {},
  [[[[[]]]]],
  new Uint8Array([1, 2, 3]),
  { kind: 'ping' },
]

type Fields = Record<string, unknown>

export function pick<T>(random: Random, items: readonly T[]): T {
  const picked = items[nextInteger(random, 0, items.length)]
  if (picked === undefined && items.length === 0) throw new Error('nothing to pick from')
  return picked as T
}

export const chance = (random: Random, part: number): boolean => nextFraction(random) < part

/** Its own: what is spoiled next may lie in it. */
const extreme = (random: Random): unknown => structuredClone(pick(random, EXTREMES))

/** A copy with one to three things wrong in it. `ids` are those of others. */
export function mutateValue(random: Random, example: unknown, ids: readonly string[]): unknown {
  const root = { value: structuredClone(example) }
  for (let left = nextInteger(random, 1, 4); left > 0; left--) mutateOne(random, root, ids)
  return root.value ?? null
}

/** Walks down to some field, and spoils it. */
function mutateOne(random: Random, root: Fields, ids: readonly string[]): void {
  root['value'] ??= {}
  let parent: Fields | unknown[] = root
  let key: string | number = 'value'
  for (let depth = 0; depth < 6; depth++) {
    const child: unknown = parent[key as never]
    if (typeof child !== 'object' || child === null || child instanceof Uint8Array) break
    const keys = Array.isArray(child) ? child.map((_, i) => i) : Object.keys(child)
    if (keys.length === 0 || (depth > 0 && chance(random, 0.2))) break
    parent = child as Fields | unknown[]
    key = pick<string | number>(random, keys)
  }
  if (Array.isArray(parent)) spoilItem(random, parent, key as number)
  else spoilField(random, parent, String(key), ids)
}

function spoilItem(random: Random, list: unknown[], at: number): void {
  const item = list[at]
  switch (nextInteger(random, 0, 5)) {
    case 0:
      list.splice(at, 1)
      return
    case 1:
      list.push(...Array.from({ length: nextInteger(random, 1, 40) }, () => structuredClone(item)))
      return
    case 2:
      list.reverse()
      return
    case 3:
      list.push(extreme(random))
      return
    default:
      list[at] = extreme(random)
  }
}

function spoilField(random: Random, fields: Fields, name: string, ids: readonly string[]): void {
  const value = fields[name]
  switch (nextInteger(random, 0, 8)) {
    case 0:
      delete fields[name]
      return
    case 1:
      delete fields[name]
      fields[chance(random, 0.5) ? `${name}x` : name.toUpperCase()] = value
      return
    case 2: {
      const other = pick(random, Object.keys(fields))
      fields[name] = fields[other]
      fields[other] = value
      return
    }
    case 3:
      fields[pick(random, ['constructor', 'hasOwnProperty', 'length', '', 'x'.repeat(300)])] = value
      return
    case 4:
      fields[name] = nested(value, nextInteger(random, 1, 40))
      return
    case 5:
      fields[name] = pick(random, ids)
      return
    case 6:
      fields[name] = typeof value === 'number' ? nearby(random, value) : extreme(random)
      return
    default:
      fields[name] = extreme(random)
  }
}

const nearby = (random: Random, value: number): number =>
  value + pick(random, [-1, 1, 2, 1_000, -value, value, 0.5])

function nested(value: unknown, depth: number): unknown {
  let nest = value ?? null
  for (let left = depth; left > 0; left--) nest = left % 2 === 0 ? [nest] : { a: nest }
  return nest
}

/** What other bytes begin with: extensions, what cannot be, and lengths that nobody has. */
const TOKENS: readonly (readonly number[])[] = [
  [0xc1],
  [0xc7, 0x02, 0x72, 0x00, 0x00],
  [0xd4, 0x72, 0x40],
  [0xd6, 0xff, 0, 0, 0, 0],
  [0xd8, 0x01, ...Array.from({ length: 16 }, () => 7)],
  [0xdb, 0xff, 0xff, 0xff, 0xff],
  [0xdd, 0xff, 0xff, 0xff, 0xff],
  [0xdf, 0xff, 0xff, 0xff, 0xff],
  [0xc6, 0x7f, 0xff, 0xff, 0xff],
  [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
]

export function mutateBytes(random: Random, good: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(good)
  switch (nextInteger(random, 0, 6)) {
    case 0:
      return bytes.slice(0, nextInteger(random, 0, bytes.length + 1))
    case 1:
      return Uint8Array.from([...bytes, ...pick(random, TOKENS)])
    case 2: {
      const at = nextInteger(random, 0, bytes.length + 1)
      return Uint8Array.from([...bytes.slice(0, at), ...pick(random, TOKENS), ...bytes.slice(at)])
    }
    case 3: {
      const at = nextInteger(random, 0, bytes.length + 1)
      return Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(at + 1)])
    }
    default:
      for (let left = nextInteger(random, 1, 9); left > 0 && bytes.length > 0; left--) {
        const at = nextInteger(random, 0, bytes.length)
        bytes[at] = (bytes[at] as number) ^ (1 << nextInteger(random, 0, 8))
      }
      return bytes
  }
}

/** Nothing that anybody meant: noise, towers, and now and then more than may be. */
export function noise(random: Random): Uint8Array {
  const kind = nextInteger(random, 0, 40)
  if (kind === 0) return new Uint8Array(nextInteger(random, 200_000, 300_000)).fill(0x91)
  if (kind === 1) return encode({ reason: 'x'.repeat(270_000) })
  if (kind < 10) return Uint8Array.from(pick(random, TOKENS))
  const size = nextInteger(random, 0, 300)
  return Uint8Array.from({ length: size }, () => nextInteger(random, 0, 256))
}
