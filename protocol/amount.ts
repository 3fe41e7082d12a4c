/** How much there is of one resource: a number, ranges of integers, or a set of names. */
import { type Refusal, refusal } from './errors.ts'
import {
  addRanges,
  containsRanges,
  normalizeRanges,
  type Ranges,
  subtractRanges,
} from './ranges.ts'
import { toThousandths } from './scalar.ts'
import type { ResourceEntry } from './schema/common.ts'

/** Never empty in `Resources`, never changed. */
export type Amount =
  | { readonly kind: 'scalar'; readonly thousandths: number }
  | { readonly kind: 'ranges'; readonly ranges: Ranges }
  | { readonly kind: 'set'; readonly members: ReadonlySet<string> }

/** What an entry of a list says, which may be nothing. */
export function amountOf({ name, scalar, ranges, set }: ResourceEntry): Amount | Refusal {
  const others = Number(ranges !== undefined) + Number(set !== undefined)
  if (others !== (scalar === undefined ? 1 : 0))
    return refusal('invalid', `resource ${name} has not exactly one of scalar, ranges, set`)
  if (scalar !== undefined) return { kind: 'scalar', thousandths: toThousandths(scalar) }
  if (ranges === undefined) return { kind: 'set', members: new Set(set) }
  const wrong = ranges.find(([begin, end]) => begin > end)
  if (wrong !== undefined)
    return refusal('invalid', `resource ${name} has a range ${wrong.join('-')}`)
  return { kind: 'ranges', ranges: normalizeRanges(ranges) }
}

/** Of how many parts ranges or a set are made. */
export function sizeOf(amount: Exclude<Amount, { kind: 'scalar' }>): number {
  return amount.kind === 'ranges' ? amount.ranges.length : amount.members.size
}

/** Zero, no range, no member. */
export function isEmptyAmount(amount: Amount): boolean {
  if (amount.kind === 'scalar') return amount.thousandths === 0
  return sizeOf(amount) === 0
}

/** @throws {RangeError} if they are of two kinds. */
export function addAmounts(a: Amount, b: Amount): Amount {
  if (a.kind === 'scalar' && b.kind === 'scalar') {
    return { kind: 'scalar', thousandths: a.thousandths + b.thousandths }
  }
  if (a.kind === 'ranges' && b.kind === 'ranges') {
    return { kind: 'ranges', ranges: addRanges(a.ranges, b.ranges) }
  }
  if (a.kind === 'set' && b.kind === 'set') {
    return { kind: 'set', members: new Set([...a.members, ...b.members]) }
  }
  throw new RangeError(`cannot add ${a.kind} and ${b.kind}`)
}

/** False if they are of two kinds. */
export function containsAmount(whole: Amount, part: Amount): boolean {
  if (whole.kind === 'scalar' && part.kind === 'scalar') {
    return part.thousandths <= whole.thousandths
  }
  if (whole.kind === 'ranges' && part.kind === 'ranges') {
    return containsRanges(whole.ranges, part.ranges)
  }
  if (whole.kind === 'set' && part.kind === 'set') {
    return [...part.members].every((member) => whole.members.has(member))
  }
  return false
}

/** `a` contains `b`. @throws {RangeError} if they are of two kinds. */
export function subtractAmounts(a: Amount, b: Amount): Amount {
  if (a.kind === 'scalar' && b.kind === 'scalar') {
    return { kind: 'scalar', thousandths: a.thousandths - b.thousandths }
  }
  if (a.kind === 'ranges' && b.kind === 'ranges') {
    return { kind: 'ranges', ranges: subtractRanges(a.ranges, b.ranges) }
  }
  if (a.kind === 'set' && b.kind === 'set') {
    return { kind: 'set', members: new Set([...a.members].filter((m) => !b.members.has(m))) }
  }
  throw new RangeError(`cannot subtract ${b.kind} from ${a.kind}`)
}
