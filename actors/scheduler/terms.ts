/** What a framework wants of offers: what authors may write, and how it travels. */
import { check } from '../../protocol/check.ts'
import { TERMS_BYTES_MAX } from '../../protocol/limits.ts'
import { wireBytes } from '../../protocol/wire-size.ts'
import type { FrameworkUpdate, OfferTerms } from './contract-terms.ts'
import type { Changes } from './inputs.ts'
import {
  badOption,
  DURATION,
  NAME,
  ROLES,
  type Rule,
  type Rules,
  requireGood,
  shown,
} from './rules.ts'
import type { Settings, Terms } from './state.ts'

const OPERATORS = ['exists', 'equals', 'notEquals', 'matches', 'notMatches']

/** What is wrong with it is said by `requireTerms`, which knows where. */
const LATER: Rule = { what: 'what it is', isGood: () => true }
export const TERMS_RULES: Rules<OfferTerms> = {
  capabilities: LATER,
  constraints: LATER,
  minAllocatable: LATER,
}

/**
 * `roles`: all that it subscribes to, if that is known.
 * @throws {ClusterError} `scheduler/option`: the first field that is no good, or their size.
 */
export function requireTerms(where: string, terms: OfferTerms, roles?: readonly string[]): void {
  const problem =
    shapeProblem(terms) ??
    unclearConstraint(terms) ??
    foreignRole(terms, roles) ??
    sizeProblem(terms)
  if (problem !== undefined) throw badOption(`${where}: ${problem}`)
}

function shapeProblem({ capabilities, constraints, minAllocatable }: OfferTerms) {
  const terms = { capabilities, constraints, minAllocatable }
  const checked = check('UpdateFramework', withoutAbsent(terms))
  return checked.ok ? undefined : checked.refusal.message.replace('UpdateFramework: ', '')
}

const withoutAbsent = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

function unclearConstraint({ constraints = {} }: OfferTerms): string | undefined {
  for (const [role, groups] of Object.entries(constraints))
    for (const [g, group] of groups.entries()) {
      const c = group.findIndex((constraint) => operatorsOf(constraint) !== 1)
      if (c >= 0) return `constraints.${role}.${g}.${c} must have one of ${OPERATORS.join(', ')}`
    }
  return undefined
}

function foreignRole(
  { constraints = {}, minAllocatable = {} }: OfferTerms,
  roles: readonly string[] | undefined,
): string | undefined {
  for (const [field, byRole] of Object.entries({ constraints, minAllocatable })) {
    const role = Object.keys(byRole).find((one) => roles?.includes(one) === false)
    if (role !== undefined) return `${field}.${role}: ${role} is none of its roles`
  }
  return undefined
}

const operatorsOf = (constraint: object): number =>
  OPERATORS.filter((operator) => operator in constraint).length

function sizeProblem(terms: OfferTerms): string | undefined {
  const bytes = wireBytes(termsOf(terms))
  if (bytes <= TERMS_BYTES_MAX) return undefined
  return `what is wanted of offers takes ${bytes} bytes, of at most ${TERMS_BYTES_MAX}`
}

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
  const { name, roles, failoverMs } = update
  requireTerms('update', update, roles)
  return {
    ...(name !== undefined && { name }),
    ...(roles !== undefined && { roles: [...roles] }),
    ...(failoverMs !== undefined && { failoverMs }),
    ...termsOf(update),
  }
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
