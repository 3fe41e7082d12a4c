/** Where a task would rather be: what its author writes, and what that says of a place. */
import { check } from '../../protocol/check.ts'
import type { Offered } from './contract-offers.ts'
import type { Preference } from './contract-queue.ts'
import { DURATION, isFields, problemsOf, type Rules, shown } from './rules.ts'

const PREFERENCES_MAX = 8
const VALUES_MAX = 64

/** What an offer says of its agent. */
export type Place = Pick<Offered, 'agentId' | 'hostname' | 'attributes'>

export interface Preferences {
  readonly choices: readonly Choice[]
  /** How long each choice is waited for before it counts; the last one: any place. Rising. */
  readonly waitsMs: readonly number[]
}

export interface Choice {
  readonly attribute: string
  readonly values: ReadonlySet<string>
}

const NONE: Preferences = { choices: [], waitsMs: [0] }

/** Nothing is checked: see `preferenceProblems`. */
export function preferencesOf(prefer: Preference | readonly Preference[] | undefined): Preferences {
  if (prefer === undefined) return NONE
  const list = listOf(prefer)
  const waitsMs = [0]
  for (const { waitMs } of list) waitsMs.push((waitsMs.at(-1) ?? 0) + waitMs)
  const choices = list.map(({ attribute, equals }) => ({
    attribute,
    values: new Set(listOf(equals).map(String)),
  }))
  return { choices, waitsMs }
}

const listOf = <T>(given: T | readonly T[]): readonly T[] =>
  Array.isArray(given) ? (given as readonly T[]) : [given as T]

/** The first that holds there; their number: none does. Without any: 0. */
export function choiceAt(choices: readonly Choice[], seen: SeenPlace): number {
  const found = choices.findIndex(({ attribute, values }) =>
    seen.valuesOf(attribute).some((value) => values.has(value)),
  )
  return found < 0 ? choices.length : found
}

/** A place that many tasks look at. */
export class SeenPlace {
  readonly #place: Place
  readonly #values = new Map<string, readonly string[]>()

  constructor(place: Place) {
    this.#place = place
  }

  /** All that the agent says under that name, as texts. */
  valuesOf(attribute: string): readonly string[] {
    const known = this.#values.get(attribute)
    if (known !== undefined) return known
    const values = valuesAt(this.#place, attribute)
    this.#values.set(attribute, values)
    return values
  }
}

function valuesAt({ agentId, hostname, attributes }: Place, wanted: string): readonly string[] {
  if (wanted === 'agent') return [agentId]
  if (wanted === 'hostname') return [hostname]
  return attributes
    .filter(({ name }) => name === wanted)
    .map(({ text, scalar }) => text ?? String(scalar))
}

const RULES: Rules<Preference> = {
  attribute: {
    what: 'the name of an attribute, hostname or agent',
    isGood: (value) => fitsConstraint({ attribute: value }),
    isRequired: true,
  },
  equals: {
    what: `a text, a number, or a list of 1 to ${VALUES_MAX}`,
    isGood: (value) => {
      const values = listOf(value)
      return values.length > 0 && values.length <= VALUES_MAX && values.every(isValue)
    },
    isRequired: true,
  },
  waitMs: { ...DURATION, isRequired: true },
}

function isValue(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value === 'string' && fitsConstraint({ equals: value })
}

function fitsConstraint(fields: Readonly<Record<string, unknown>>): boolean {
  const constraint = { attribute: 'any', equals: 'any', ...fields }
  const subscribe = { name: 'any', secret: 'anything', constraints: { '*': [[constraint]] } }
  return check('Subscribe', subscribe).ok
}

/** What is wrong with what was written, each in a sentence. */
export function preferenceProblems(prefer: unknown): readonly string[] {
  if (prefer === undefined) return []
  const list = listOf(prefer)
  if (list.length > PREFERENCES_MAX) return [`prefer has more than ${PREFERENCES_MAX} preferences`]
  return list.flatMap((one, index) => {
    const where = Array.isArray(prefer) ? `prefer[${index}]` : 'prefer'
    if (!isFields(one))
      return [`${where} must be like { attribute, equals, waitMs }, not ${shown(one)}`]
    return problemsOf(one, RULES).map((problem) => `${where}.${problem}`)
  })
}
