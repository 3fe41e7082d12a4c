/** What a framework wants of offers: what authors may write, and how it travels. */
import { check } from '../../protocol/check.ts'
import { TERMS_BYTES_MAX } from '../../protocol/limits.ts'
import { wireBytes } from '../../protocol/wire-size.ts'
import type { FrameworkUpdate, OfferTerms } from './contract-terms.ts'
import { badOption, DURATION, NAME, ROLES, type Rules, requireGood, shown } from './rules.ts'
import type { Changes, Settings, Terms } from './state.ts'

const fits = (fields: object): boolean =>
  check('Subscribe', { name: 'any', secret: 'anything', ...fields }).ok

const OPERATORS = ['exists', 'equals', 'notEquals', 'matches', 'notMatches']

export const TERMS_RULES: Rules<OfferTerms> = {
  capabilities: {
    what: "a list like ['GPU_RESOURCES', 'REGION_AWARE']",
    isGood: (capabilities) => fits({ capabilities }),
  },
  constraints: {
    what: "by role, groups of constraints: { '*': [[{ attribute: 'rack', equals: 'r1' }]] }",
    isGood: (constraints) => fits({ constraints }) && groupsOf(constraints).every(isClear),
  },
  minAllocatable: {
    what: "by role, lists of amounts: { '*': [{ cpus: 4, mem: 8192 }] }",
    isGood: (minAllocatable) => fits({ minAllocatable }),
  },
}

/** All constraints of it, which has the right shape. */
const groupsOf = (constraints: unknown): readonly object[] =>
  Object.values(constraints as object).flat(2)

const isClear = (constraint: object): boolean =>
  OPERATORS.filter((operator) => operator in constraint).length === 1

/** As it travels: the author may change theirs. It was checked. */
export function termsOf({ capabilities, constraints, minAllocatable }: OfferTerms): Terms {
  return structuredClone({
    ...(capabilities !== undefined && { capabilities }),
    ...(constraints !== undefined && { constraints }),
    ...(minAllocatable !== undefined && { minAllocatable }),
  }) as Terms
}

const UPDATE_RULES: Rules<FrameworkUpdate> = {
  name: { ...NAME, isRequired: false },
  roles: ROLES,
  failoverMs: DURATION,
  ...TERMS_RULES,
}

/** @throws {ClusterError} `scheduler/option`, with all that is wrong. */
export function changesOf(update: FrameworkUpdate): Changes {
  requireGood('update', update, UPDATE_RULES)
  const unknown = Object.keys(update).find((field) => !(field in UPDATE_RULES))
  if (unknown !== undefined) throw badOption(`update: ${shown(unknown)} cannot be changed`)
  const tooLarge = sizeProblem(update)
  if (tooLarge !== undefined) throw badOption(`update: ${tooLarge}`)
  const { name, roles, failoverMs } = update
  return {
    ...(name !== undefined && { name }),
    ...(roles !== undefined && { roles: [...roles] }),
    ...(failoverMs !== undefined && { failoverMs }),
    ...termsOf(update),
  }
}

/** Too large for the leader, or undefined. */
export function sizeProblem(terms: OfferTerms): string | undefined {
  const bytes = wireBytes(termsOf(terms))
  if (bytes <= TERMS_BYTES_MAX) return undefined
  return `what is wanted of offers takes ${bytes} bytes, of at most ${TERMS_BYTES_MAX}`
}

/** Of roles that are left, nothing stays: the leader would refuse what is said of them. */
export function settingsAfter(settings: Settings, changes: Changes): Settings {
  const { name, roles, failoverMs, ...terms } = changes
  const after = {
    ...settings,
    ...(name !== undefined && { name }),
    ...(roles !== undefined && { roles }),
    ...(failoverMs !== undefined && { failoverMs }),
  }
  return { ...after, terms: termsIn({ ...settings.terms, ...terms }, after.roles) }
}

function termsIn(terms: Terms, roles: readonly string[]): Terms {
  const own = <T>(byRole: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(byRole).filter(([role]) => roles.includes(role)))
  const { constraints, minAllocatable } = terms
  return {
    ...terms,
    ...(constraints && { constraints: own(constraints) }),
    ...(minAllocatable && { minAllocatable: own(minAllocatable) }),
  }
}
