/** What a framework wants of its offers, for each of its roles: checked and compared. */
import { type Refusal, refusal } from '../../../protocol/errors.ts'
import type { Principal } from '../../../protocol/ids.ts'
import { EXPRESSIONS_PROGRAM_PER_S, TERMS_BYTES_MAX } from '../../../protocol/limits.ts'
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import { wireBytes } from '../../../protocol/wire-size.ts'
import { compileConstraints, newBudget } from '../../parts/constraints.ts'
import { isSameValue } from '../../parts/same-value.ts'
import { touchMember } from '../books.ts'
import type { Framework, Terms } from '../entities.ts'
import type { LeaderTurn } from '../turn.ts'

type MemberTerms = Omit<
  Extract<AllocatorFigure, { kind: 'member-terms' }>,
  'kind' | 'principal' | 'frameworkId' | 'role'
>

/** Of a call or a record; what says nothing but the default is left out. */
export function pickTerms(said: { readonly [K in keyof Terms]: Terms[K] | undefined }): Terms {
  const capabilities = [...new Set(said.capabilities)].sort()
  const constraints = entriesOf(said.constraints).filter(([, groups]) => groups.length > 0)
  const minAllocatable = entriesOf(said.minAllocatable)
  return {
    ...(capabilities.length > 0 && { capabilities }),
    ...(constraints.length > 0 && { constraints: Object.fromEntries(constraints) }),
    ...(minAllocatable.length > 0 && { minAllocatable: Object.fromEntries(minAllocatable) }),
  }
}

const entriesOf = <T>(map: Readonly<Record<string, T>> | undefined): [string, T][] =>
  Object.entries(map ?? {})

/** Only what they say of these roles: of one that was left nothing is kept. */
export function termsIn(terms: Terms, roles: readonly string[]): Terms {
  const those = <T>(map: Readonly<Record<string, T>> | undefined) =>
    Object.fromEntries(entriesOf(map).filter(([role]) => roles.includes(role)))
  const { constraints, minAllocatable } = terms
  return pickTerms({
    ...terms,
    ...(constraints && { constraints: those(constraints) }),
    ...(minAllocatable && { minAllocatable: those(minAllocatable) }),
  })
}

/** Of a subscription, or as one would be after an update. */
export interface Wanted {
  readonly principal: Principal
  readonly roles: readonly string[]
  readonly suppressed: readonly string[]
  readonly terms: Terms
}

/** Refused: what is said of other roles, wrong constraints, and too much of all. */
export function refusalOfTerms(
  turn: LeaderTurn,
  { principal, roles, suppressed, terms }: Wanted,
  known: Framework | undefined,
): Refusal | undefined {
  if (wireBytes(terms) > TERMS_BYTES_MAX) {
    const message = `what it wants of offers takes more than ${TERMS_BYTES_MAX} bytes`
    return refusal('too-large', message)
  }
  for (const [place, role] of placesOf(terms, suppressed)) {
    if (roles.includes(role)) continue
    return refusal('invalid', `${place}: ${role} is none of the roles that it subscribes to`)
  }
  const { constraints } = terms
  const isJudged = isSameValue(constraints, known?.terms.constraints)
  if (constraints === undefined || isJudged) return undefined
  return refusalOfConstraints(turn, principal, constraints)
}

/** To compile strangers' expressions takes longer than all else of a call. */
function refusalOfConstraints(
  { leader, now }: LeaderTurn,
  principal: Principal,
  byRole: NonNullable<Terms['constraints']>,
): Refusal | undefined {
  const { expressions } = leader
  if (!expressions.take(principal, now.monotonicMs)) {
    const why = `${EXPRESSIONS_PROGRAM_PER_S} instructions of expressions in a second`
    return refusal('too-many', `no more than ${why} are judged for ${principal}`)
  }
  const budget = newBudget()
  const before = budget.instructions
  let refused: Refusal | undefined
  for (const [role, groups] of entriesOf(byRole)) {
    const judge = compileConstraints(groups, `constraints.${role}`, budget)
    if (!('code' in judge)) continue
    refused = judge
    break
  }
  expressions.spend(principal, now.monotonicMs, before - budget.instructions)
  return refused
}

/** Every role that is named, and where. */
function* placesOf(
  { constraints = {}, minAllocatable = {} }: Terms,
  suppressed: readonly string[],
): Generator<[place: string, role: string]> {
  for (const role of Object.keys(constraints)) yield [`constraints.${role}`, role]
  for (const role of Object.keys(minAllocatable)) yield [`minAllocatable.${role}`, role]
  for (const [i, role] of suppressed.entries()) yield [`suppressed.${i}`, role]
}

/** What the framework wants of offers for one role. */
export function memberTerms({ terms }: Framework, role: string): MemberTerms {
  const { capabilities } = terms
  const constraints = ownOf(terms.constraints, role)
  const minAllocatable = ownOf(terms.minAllocatable, role)
  return {
    ...(capabilities && { capabilities }),
    ...(constraints && { constraints }),
    ...(minAllocatable && { minAllocatable }),
  }
}

/** A role may be called `constructor`. */
const ownOf = <T>(map: Readonly<Record<string, T>> | undefined, role: string): T | undefined =>
  map !== undefined && Object.hasOwn(map, role) ? map[role] : undefined

/** The allocator is told at the end of the turn, if they are others than before. */
export function setTerms(turn: LeaderTurn, framework: Framework, terms: Terms): void {
  if (isSameValue(framework.terms, terms)) return
  framework.terms = terms
  for (const [name, member] of framework.roles) {
    member.areTermsTold = false
    touchMember(turn, framework, name)
  }
}
