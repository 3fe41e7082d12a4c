/** Sums of scalar resources: thousandths, by the number that a resource's name has. */
import { parseResources, type Resources, type Traits } from '../../../protocol/resources.ts'
import { toThousandths } from '../../../protocol/scalar.ts'
import type { Quantities, ResourceList } from '../../../protocol/schema/common.ts'

/**
 * Thousandths by number; what is missing at the end is 0. An array, since a map for each sum would
 * cost more than all the rest of an allocation.
 */
export type Scalars = number[]

/** Gives each name a number, from 0. There are a few of them in a cluster. */
export class ResourceNames {
  readonly names: string[] = []
  readonly #numbers = new Map<string, number>()

  numberOf(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#numbers.set(name, this.names.length)
    return this.names.push(name) - 1
  }
}

/** What somebody holds or has, and what that adds up to. Never changed. */
export interface Holding {
  readonly resources: Resources
  /** Some of it is for a role and those below it alone. */
  readonly isReserved: boolean
  /** All scalars, whatever their other traits. */
  readonly scalars: Readonly<Scalars>
  /** Those that are neither reserved nor revocable: quotas are about them. Mostly `scalars`. */
  readonly unreserved: Readonly<Scalars>
}

/** The one that is empty. */
export const NOTHING: Holding = {
  resources: new Map(),
  isReserved: false,
  scalars: [],
  unreserved: [],
}

export function holdingOf(names: ResourceNames, resources: Resources): Holding {
  if (resources.size === 0) return NOTHING
  const scalars: Scalars = []
  let unreserved: Scalars | undefined
  let isReserved = false
  for (const { traits, amount } of resources.values()) {
    if (reservedFor(traits) !== undefined) isReserved = true
    if (amount.kind !== 'scalar') continue
    // From the first special one on, both are kept.
    if (isSpecial(traits)) unreserved ??= [...scalars]
    const number = names.numberOf(traits.name)
    addAt(scalars, number, amount.thousandths)
    if (unreserved !== undefined && !isSpecial(traits)) {
      addAt(unreserved, number, amount.thousandths)
    }
  }
  return { resources, isReserved, scalars, unreserved: unreserved ?? scalars }
}

/** The role that alone may have it, with those below it; undefined: whoever comes. */
export function reservedFor({ role, reservations }: Traits): string | undefined {
  return reservations?.at(-1)?.role ?? role
}

/** Reserved, or revocable: no part of what quotas are about. */
export function isSpecial({ role, reservations, revocable }: Traits): boolean {
  return role !== undefined || reservations !== undefined || revocable === true
}

/** A list that makes no sense (a resource with two amounts) counts as nothing. */
export function readHolding(names: ResourceNames, list: ResourceList): Holding {
  const resources = parseResources(list)
  return 'code' in resources ? NOTHING : holdingOf(names, resources)
}

/** Amounts as an operator or a framework gives them. */
export function scalarsOfQuantities(names: ResourceNames, quantities: Quantities): Scalars {
  const scalars: Scalars = []
  for (const [name, decimal] of Object.entries(quantities)) {
    addAt(scalars, names.numberOf(name), toThousandths(decimal))
  }
  return scalars
}

export function addScalars(into: Scalars, more: Readonly<Scalars>): void {
  while (into.length < more.length) into.push(0)
  for (let i = 0; i < more.length; i++) into[i] = (into[i] as number) + (more[i] as number)
}

export function takeScalars(from: Scalars, less: Readonly<Scalars>): void {
  while (from.length < less.length) from.push(0)
  for (let i = 0; i < less.length; i++) from[i] = (from[i] as number) - (less[i] as number)
}

function addAt(scalars: Scalars, number: number, thousandths: number): void {
  while (scalars.length <= number) scalars.push(0)
  scalars[number] = (scalars[number] as number) + thousandths
}
