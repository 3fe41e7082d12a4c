/**
 * Amounts of resources, and arithmetic on them that never drifts: scalars are integers.
 *
 * Two entries of a list add up only when name, kind (scalar, ranges, set), role, reservations,
 * disk, shared and revocable all agree; together they are the entry's identity.
 */
import {
  type Amount,
  addAmounts,
  amountOf,
  containsAmount,
  isEmptyAmount,
  sizeOf,
  subtractAmounts,
} from './amount.ts'
import { type Refusal, refusal } from './errors.ts'
import { fitList } from './fit-list.ts'
import { RESOURCE_PARTS_MAX, SCALAR_MAX } from './limits.ts'
import { addRanges, countRanges, type Ranges } from './ranges.ts'
import { fromThousandths, toThousandths } from './scalar.ts'
import type { ResourceEntry, ResourceList, WantedResources } from './schema/common.ts'

/** Everything of an entry but its amount. */
export type Traits = Omit<ResourceEntry, 'scalar' | 'ranges' | 'set'>

export interface Quantity {
  readonly traits: Traits
  readonly amount: Amount
}

/** By identity. Nothing empty stands in it: an entry of amount 0 is not there. */
export type Resources = ReadonlyMap<string, Quantity>

export const NO_RESOURCES: Resources = new Map()

/** Nothing but a name: almost all that there is, so it is asked first. */
function isPlain({ role, reservations, disk, shared, revocable }: Traits): boolean {
  return (
    role === undefined && reservations === undefined && disk === undefined && !shared && !revocable
  )
}

function identity(traits: Traits, kind: Amount['kind']): string {
  const { name, role, reservations, disk, shared, revocable } = traits
  if (isPlain(traits)) return kind === 'scalar' ? name : `${name} ${kind}`
  const marks = [shared ?? false, revocable ?? false]
  return JSON.stringify([name, kind, role, reservations, disk, ...marks])
}

function traitsOf(entry: ResourceEntry): Traits {
  if (isPlain(entry)) return { name: entry.name }
  const { scalar: _s, ranges: _r, set: _t, ...traits } = entry
  return traits
}

/**
 * A list from the wire; entries of one identity add up. Refused: mixed kinds, wrong ranges, and
 * entries that add up to more than one of them may say.
 */
export function parseResources(wanted: WantedResources): Resources | Refusal {
  const list: ResourceList = Array.isArray(wanted)
    ? wanted
    : Object.entries(wanted).map(([name, scalar]) => ({ name, scalar }))
  const sum = new Map<string, Quantity>()
  for (const entry of list) {
    const amount = amountOf(entry)
    if ('code' in amount) return amount
    if (isEmptyAmount(amount)) continue
    const quantity = { traits: traitsOf(entry), amount }
    if (isOfTwoKinds(sum, quantity))
      return refusal('invalid', `resource ${entry.name} is given as two kinds`)
    addQuantity(sum, identity(quantity.traits, amount.kind), quantity)
  }
  return excessOf(sum) ?? sum
}

function isOfTwoKinds(sum: Resources, { traits, amount: { kind } }: Quantity): boolean {
  for (const { traits: others, amount } of sum.values()) {
    if (amount.kind === kind || others.name !== traits.name) continue
    if (identity(others, kind) === identity(traits, kind)) return true
  }
  return false
}

/** Says which of `resources` is more than one entry may say, if one is. */
export function excessOf(resources: Resources): Refusal | undefined {
  for (const { traits, amount } of resources.values()) {
    const isTooMuch =
      amount.kind === 'scalar'
        ? amount.thousandths > toThousandths(SCALAR_MAX)
        : sizeOf(amount) > RESOURCE_PARTS_MAX
    if (!isTooMuch) continue
    const limit = amount.kind === 'scalar' ? SCALAR_MAX : `${RESOURCE_PARTS_MAX} parts`
    return refusal('invalid', `resource ${traits.name} adds up to more than ${limit}`)
  }
  return undefined
}

/** A list from one of our own, already checked, messages. */
export function resourcesOf(list: WantedResources): Resources {
  const parsed = parseResources(list)
  if ('code' in parsed) throw new RangeError(parsed.message)
  return parsed
}

/**
 * As entries; of more than a receiver takes, as many as it does. What was parsed comes back whole.
 */
export function listResources(resources: Resources): ResourceList {
  const list: ResourceEntry[] = []
  for (const quantity of resources.values()) list.push(entryOf(quantity))
  return fitList(list)
}

/** Ranges are not copied: who gets an entry does not change it. */
function entryOf({ traits, amount }: Quantity): ResourceEntry {
  if (amount.kind === 'set') return { ...traits, set: [...amount.members] }
  // Spelled out where traits are only a name: to copy them takes ten times as long.
  const { name } = traits
  if (amount.kind === 'scalar') {
    const scalar = fromThousandths(amount.thousandths)
    return isPlain(traits) ? { name, scalar } : { ...traits, scalar }
  }
  const ranges = amount.ranges as [number, number][]
  return isPlain(traits) ? { name, ranges } : { ...traits, ranges }
}

export function isEmpty(resources: Resources): boolean {
  return resources.size === 0
}

/** Neither is changed; one of them itself comes back if the other is empty. */
export function addResources(a: Resources, b: Resources): Resources {
  if (a.size === 0) return b
  if (b.size === 0) return a
  const sum = new Map(a)
  for (const [key, quantity] of b) addQuantity(sum, key, quantity)
  return sum
}

/**
 * Books that change with every task: to copy them each time takes longer than to add. Whoever gets
 * one as `Resources` may read it and not keep it. Quantities in it are shared and never changed.
 */
export type ResourceBook = Map<string, Quantity>

/** Adds in place. */
export function putInto(book: ResourceBook, more: Resources): void {
  for (const [key, quantity] of more) addQuantity(book, key, quantity)
}

/** Subtracts in place: all of it, or nothing and `false` when any part of `amount` is missing. */
export function takeFrom(book: ResourceBook, amount: Resources): boolean {
  if (!containsResources(book, amount)) return false
  for (const [key, taken] of amount) subtractQuantity(book, key, taken)
  return true
}

function addQuantity(sum: ResourceBook, key: string, quantity: Quantity): void {
  const before = sum.get(key)
  if (before === undefined) sum.set(key, quantity)
  else {
    const amount = addAmounts(before.amount, quantity.amount)
    sum.set(key, { traits: before.traits, amount })
  }
}

/** True if all of `part` is in `whole`. */
export function containsResources(whole: Resources, part: Resources): boolean {
  for (const [key, { amount }] of part) {
    const from = whole.get(key)
    if (from === undefined || !containsAmount(from.amount, amount)) return false
  }
  return true
}

/** `undefined` when any part of `amount` is not in `from`: all of it is taken, or nothing. */
export function subtractResources(from: Resources, amount: Resources): Resources | undefined {
  if (!containsResources(from, amount)) return undefined
  if (amount.size === 0) return from
  const left = new Map(from)
  for (const [key, taken] of amount) subtractQuantity(left, key, taken)
  return left
}

/** It is there. */
function subtractQuantity(left: ResourceBook, key: string, taken: Quantity): void {
  const before = left.get(key) as Quantity
  const rest = subtractAmounts(before.amount, taken.amount)
  if (isEmptyAmount(rest)) left.delete(key)
  else left.set(key, { traits: before.traits, amount: rest })
}

/** What adds up over several agents: of ranges and sets each agent has its own. */
export function scalarsOf(resources: Resources): Resources {
  for (const { amount } of resources.values()) {
    if (amount.kind === 'scalar') continue
    return new Map([...resources].filter(([, part]) => part.amount.kind === 'scalar'))
  }
  return resources
}

/** Thousandths of all scalars of that name, whatever their traits. */
export function scalarOf(resources: Resources, name: string): number {
  let sum = 0
  for (const { traits, amount } of resources.values()) {
    if (traits.name === name && amount.kind === 'scalar') sum += amount.thousandths
  }
  return sum
}

/** All integers of the ranges of that name. */
export function rangesOf(resources: Resources, name: string): Ranges {
  let sum: Ranges = []
  for (const { traits, amount } of resources.values()) {
    if (traits.name === name && amount.kind === 'ranges') sum = addRanges(sum, amount.ranges)
  }
  return sum
}

/** `cpus 1.5, mem 64, ports 3`: for people. Ranges and sets are counted. */
export function describeResources(resources: Resources): string {
  const parts = [...resources.values()].map(({ traits, amount }) => {
    if (amount.kind === 'scalar') return `${traits.name} ${fromThousandths(amount.thousandths)}`
    const count = amount.kind === 'ranges' ? countRanges(amount.ranges) : amount.members.size
    return `${traits.name} ${count}`
  })
  return parts.join(', ') || 'nothing'
}
