/** Where instances may run: what a person writes, and whether an offer is of such an agent. */

import type { OfferConstraint, Offered } from '../../actors/scheduler/scheduler.ts'
import { type Refusal, refusal } from '../../protocol/errors.ts'
import { type Operator, offerConstraintOf } from './offer-terms.ts'

/** What an offer says of its agent. */
export type Place = Pick<Offered, 'agentId' | 'hostname' | 'attributes'>

/**
 * About `name`: an attribute, `hostname`, or `agent` (its id).
 *
 * `value`: all that the agent says under that name, as texts, must pass; it may be nothing.
 * `each`: at most so many instances that have not ended where its first text is the same; it must
 * be there.
 */
export type Constraint = {
  /** As it was written. */
  readonly text: string
  readonly name: string
  /** What the leader is told of it; it leaves out no agent that fits. */
  readonly told: OfferConstraint | undefined
} & (
  | { readonly kind: 'value'; readonly passes: (values: readonly string[]) => boolean }
  | { readonly kind: 'each'; readonly instancesMax: number }
)

const GRAMMAR =
  /^(?<name>[A-Za-z0-9_./-]{1,64})(?:(?<op>!=|!~|=|~)(?<value>.*)|:(?<rule>unique|max=[1-9]\d{0,5}))?$/s
/** What an attribute may hold; of a pattern, what a person may still read. */
const VALUE_LENGTH_MAX = 1_024
const PATTERN_LENGTH_MAX = 256
const FORMS = 'NAME=VALUE, NAME!=VALUE, NAME~REGEXP, NAME!~REGEXP, NAME, NAME:unique or NAME:max=N'

/** A constraint as it is written in a flag, or what is wrong with it. */
export function parseConstraint(text: string): Constraint | Refusal {
  const { name, op, value = '', rule } = GRAMMAR.exec(text)?.groups ?? {}
  if (name === undefined) return wrong(text, `is none of ${FORMS}`)
  if (rule !== undefined) {
    const instancesMax = rule === 'unique' ? 1 : Number(rule.slice('max='.length))
    return { text, name, told: offerConstraintOf(name), kind: 'each', instancesMax }
  }
  const told = offerConstraintOf(name, op as Operator | undefined, value)
  const about = { text, name, told, kind: 'value' } as const
  if (op === undefined) return { ...about, passes: (values) => values.length > 0 }
  const matches = op.endsWith('~') ? matcherOf(value) : equals(value)
  if (typeof matches === 'string') return wrong(text, matches)
  return op.startsWith('!')
    ? { ...about, passes: (values) => !values.some(matches) }
    : { ...about, passes: (values) => values.some(matches) }
}

type Matcher = (found: string) => boolean

function equals(value: string): Matcher | string {
  if (value.length > VALUE_LENGTH_MAX) return `has more than ${VALUE_LENGTH_MAX} characters`
  return (found) => found === value
}

/** All of the value must match. */
function matcherOf(pattern: string): Matcher | string {
  if (pattern.length > PATTERN_LENGTH_MAX)
    return `has a pattern of more than ${PATTERN_LENGTH_MAX} characters`
  try {
    const whole = new RegExp(`^(?:${pattern})$`, 'su')
    return (found) => whole.test(found)
  } catch {
    // What exactly is wrong with it is told by no runtime in the same words.
    return 'holds no regular expression'
  }
}

function wrong(text: string, what: string): Refusal {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
  return refusal('invalid', `"${shown}" ${what}`)
}

function valuesAt({ name }: Pick<Constraint, 'name'>, place: Place): readonly string[] {
  if (name === 'hostname') return [place.hostname]
  if (name === 'agent') return [place.agentId]
  return place.attributes
    .filter((attribute) => attribute.name === name)
    .map(({ text, scalar }) => text ?? String(scalar))
}

/** The first that the place has under that name; undefined: nothing. */
export function valueAt(about: Pick<Constraint, 'name'>, place: Place): string | undefined {
  return valuesAt(about, place)[0]
}

/** How many more instances may go there; 0: it does not fit. */
export function roomAt(constraint: Constraint, place: Place, there: ReadonlySpots): number {
  if (constraint.kind === 'value')
    return constraint.passes(valuesAt(constraint, place)) ? Number.POSITIVE_INFINITY : 0
  const value = valueAt(constraint, place)
  if (value === undefined) return 0
  return Math.max(0, constraint.instancesMax - (there.get(spotOf(constraint, value)) ?? 0))
}

/** Instances that have not ended, by what counts them. */
type ReadonlySpots = ReadonlyMap<string, number>
export type Spots = Map<string, number>

const spotOf = ({ text }: Constraint, value: string): string => `${text}\0${value}`

/** What an instance at `place` is counted by. */
export function spotsAt(constraints: readonly Constraint[], place: Place): readonly string[] {
  return constraints
    .filter(({ kind }) => kind === 'each')
    .map((constraint) => spotOf(constraint, valueAt(constraint, place) ?? ''))
}

export function addSpots(all: Spots, spots: readonly string[], by: 1 | -1): void {
  for (const spot of spots) {
    const count = (all.get(spot) ?? 0) + by
    if (count === 0) all.delete(spot)
    else all.set(spot, count)
  }
}

/** Why it does not fit there: `rack=r9 wanted, rack is r1`. */
export function describeMisfit(constraint: Constraint, place: Place): string {
  const { text, name, kind } = constraint
  const value = valueAt(constraint, place)
  if (value === undefined) return `${text} wanted, it has no ${name}`
  if (kind === 'value') return `${text} wanted, ${name} is ${value}`
  return `${text} wanted, ${name} ${value} has its instances already`
}
