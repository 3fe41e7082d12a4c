/** What quotas count in: scalars by name, in thousandths. */
import { QUANTITIES_MAX } from '../../../protocol/limits.ts'
import type { Resources } from '../../../protocol/resources.ts'
import { fromThousandths, toThousandths } from '../../../protocol/scalar.ts'
import type { Sums } from '../../../protocol/schema/common.ts'

export type Amounts = ReadonlyMap<string, number>

/** Amounts that change. Nothing empty stands in it. */
export type AmountBook = Map<string, number>

export const NO_AMOUNTS: Amounts = new Map()

/** Zeros stand in it as well: a limit of 0 is one. */
export function parseSums(sums: Sums): Amounts {
  return new Map(Object.entries(sums).map(([name, sum]) => [name, toThousandths(sum)]))
}

/** As they travel; of more names than a message may have, as many as it may. */
export function sumsOf(amounts: Amounts): Sums {
  const entries = [...amounts].slice(0, QUANTITIES_MAX)
  return Object.fromEntries(entries.map(([name, amount]) => [name, fromThousandths(amount)]))
}

/** What quotas are about: what is reserved is for its role alone, whatever its quota says. */
export function amountsOf(resources: Resources): Amounts {
  const book: AmountBook = new Map()
  addUnreserved(book, resources)
  return book
}

/** The same without a map for each: of all agents of a large cluster. */
export function addUnreserved(book: AmountBook, resources: Resources, times: 1 | -1 = 1): void {
  for (const { traits, amount } of resources.values()) {
    const { name, role, reservations, revocable } = traits
    if (amount.kind !== 'scalar' || revocable || (role ?? reservations) !== undefined) continue
    addAmount(book, name, times * amount.thousandths)
  }
}

/** Of ranges and sets each agent has its own; what can be taken back at any time is nobody's. */
export function addScalars(book: AmountBook, resources: Resources, times: 1 | -1 = 1): void {
  for (const { traits, amount } of resources.values()) {
    if (amount.kind !== 'scalar' || traits.revocable) continue
    addAmount(book, traits.name, times * amount.thousandths)
  }
}

export function addAmounts(book: AmountBook, more: Amounts, times: 1 | -1 = 1): void {
  for (const [name, amount] of more) addAmount(book, name, times * amount)
}

function addAmount(book: AmountBook, name: string, amount: number): void {
  const sum = (book.get(name) ?? 0) + amount
  if (sum === 0) book.delete(name)
  else book.set(name, sum)
}

/** The first of which `a` has more than `b` has; a name that is not in `b` is not compared. */
export function firstAbove(a: Amounts, b: Amounts): string | undefined {
  for (const [name, most] of b) if ((a.get(name) ?? 0) > most) return name
  return undefined
}

export function isSame(a: Amounts, b: Amounts): boolean {
  return a.size === b.size && [...a].every(([name, amount]) => b.get(name) === amount)
}

/** `cpus 1.5`: for people. */
export const describeAmount = (name: string, amounts: Amounts): string =>
  `${name} ${fromThousandths(amounts.get(name) ?? 0)}`
