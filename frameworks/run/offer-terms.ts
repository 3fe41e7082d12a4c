/**
 * What a run tells the leader of its wishes, so that it is not offered what it cannot use. What it
 * is offered it judges all the same: not everything can be told, and the leader need not know it.
 */
import type { OfferConstraint, OfferTerms } from '../../actors/scheduler/scheduler.ts'
import type { Wanted } from './wanted.ts'

/** Of a list that must hold as a whole; a part of it leaves out less. */
const CONSTRAINTS_MAX = 8
const PATTERN_LENGTH_MAX = 64

/** What stands in a constraint of a run beside its name. */
export type Operator = '=' | '!=' | '~' | '!~'

/**
 * The constraint for the leader, which leaves out no agent that fits; undefined: it cannot be told.
 * Ids of agents are none of their attributes. Whatever counts instances wants the attribute at
 * least.
 */
export function offerConstraintOf(
  attribute: string,
  operator?: Operator,
  value = '',
): OfferConstraint | undefined {
  if (attribute === 'agent') return undefined
  switch (operator) {
    case undefined:
      return attribute === 'hostname' ? undefined : { attribute, exists: true }
    case '=':
      return { attribute, equals: value }
    case '!=':
      return { attribute, notEquals: value }
    case '~':
      return isPlain(value) ? { attribute, matches: `(?s)${value}` } : undefined
    case '!~':
      return isPlain(value) ? { attribute, notMatches: `(?s)${value}` } : undefined
  }
}

/** Letters, classes, groups and repetitions that RE2 and JavaScript read in the same way. */
const PLAIN = /^(?:[^\\{}]|\\[dDwW.*+?^$|()[\]/\\])*$/
const APART = /\(\?(?!:)|\[:|\[\^?\]/

const isPlain = (pattern: string): boolean =>
  pattern.length <= PATTERN_LENGTH_MAX && PLAIN.test(pattern) && !APART.test(pattern)

/** What of a plan it is about. */
interface Wishes {
  readonly constraints: readonly {
    readonly name: string
    readonly told: OfferConstraint | undefined
  }[]
  readonly wanted: Wanted
}

/** What is told of the constraints; all of it must hold. */
export const toldConstraints = ({ constraints }: Pick<Wishes, 'constraints'>) =>
  constraints.flatMap(({ told }) => told ?? []).slice(0, CONSTRAINTS_MAX)

export function termsOf(plan: Wishes, role: string): OfferTerms {
  const constraints = toldConstraints(plan)
  const capabilities = [
    ...(plan.wanted.scalars.has('gpus') ? (['GPU_RESOURCES'] as const) : []),
    ...(plan.constraints.some(({ name }) => name === 'region') ? (['REGION_AWARE'] as const) : []),
  ]
  return {
    ...(constraints.length > 0 && { constraints: { [role]: [constraints] } }),
    ...(capabilities.length > 0 && { capabilities }),
  }
}
