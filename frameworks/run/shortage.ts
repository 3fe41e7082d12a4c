/** What agents offered lately and what they lacked, so that whoever waits can be told why. */
import type { Resources } from '../../protocol/resources.ts'
import { fromThousandths } from '../../protocol/scalar.ts'
import { type Constraint, type Place, valueAt } from './constraints.ts'
import { amountsOf, isLacking, type Lack, type Wanted } from './wanted.ts'

/** What one agent had when it was last offered, after what was taken of it. */
interface Look {
  readonly amounts: readonly Lack[]
  /** What it does not meet. */
  readonly unmet: readonly Constraint[]
  /** By name, of all constraints. */
  readonly values: ReadonlyMap<string, string | undefined>
}

/** By agent, the longest ago first. */
export type Shortage = Map<string, Look>

/** Agents that are remembered; values and agents that are named. */
const AGENTS_MAX = 1_000
const VALUES_MAX = 5
const NEAREST_MAX = 3

export interface Looked {
  readonly place: Place
  readonly resources: Resources
  readonly wanted: Wanted
  readonly constraints: readonly Constraint[]
  readonly unmet: readonly Constraint[]
}

export function noteOffer(shortage: Shortage, looked: Looked): void {
  const { place, resources, wanted, constraints, unmet } = looked
  shortage.delete(place.agentId)
  shortage.set(place.agentId, {
    amounts: amountsOf(resources, wanted),
    unmet,
    values: new Map(constraints.map((one) => [one.name, valueAt(one, place)])),
  })
  const [oldest] = shortage.keys()
  if (shortage.size > AGENTS_MAX && oldest !== undefined) shortage.delete(oldest)
}

/** Why nothing that was offered fits, a sentence for each reason; never empty. */
export function explain(shortage: Shortage, constraints: readonly Constraint[]): readonly string[] {
  const never = constraints.filter((one) =>
    [...shortage.values()].every(({ unmet }) => unmet.includes(one)),
  )
  if (never.length > 0) return never.map((one) => unmetText(one, shortage))
  const fitting = [...shortage].filter(([, { unmet }]) => unmet.length === 0)
  if (fitting.length === 0)
    return [`no agent meets all of ${constraints.map(({ text }) => text).join(', ')} at once`]
  return explainAmounts(fitting)
}

function unmetText(constraint: Constraint, shortage: Shortage): string {
  const { text, name, kind } = constraint
  const found = [...shortage.values()].flatMap(({ values }) => values.get(name) ?? [])
  const values = [...new Set(found)].sort()
  if (values.length === 0) return `no agent fits ${text}: none that offers has ${name}`
  const some = values.slice(0, VALUES_MAX).join(', ')
  const more = values.length > VALUES_MAX ? ` and ${values.length - VALUES_MAX} more` : ''
  return kind === 'each'
    ? `no agent fits ${text}: there are instances enough on ${name} ${some}${more}`
    : `no agent fits ${text}: where there are offers, ${name} is ${some}${more}`
}

type Fitting = readonly (readonly [agentId: string, look: Look])[]

function explainAmounts(fitting: Fitting): readonly string[] {
  // Of all the same resources in the same order: those that are wanted.
  const wanted = fitting[0]?.[1].amounts ?? []
  const scarce = wanted.flatMap(({ name }, index) => {
    const best = mostOf(fitting, index)
    return best === undefined || !isLacking(best.amount) ? [] : [{ name, ...best }]
  })
  if (scarce.length === 0) return [apartText(fitting)]
  const looked = fitting.length === 1 ? '' : ` (of ${fitting.length} agents that offered)`
  return scarce.map(({ name, amount, agentId }) => {
    const offered = fromThousandths(amount.offered)
    const has = offered === 0 ? 'there is none' : `the most is ${offered}, on ${agentId}${looked}`
    return `no agent offers ${name} ${fromThousandths(amount.wanted)}: ${has}`
  })
}

/**
 * The agent that has most of one resource; of several, the first by name: it stays the same one.
 */
function mostOf(
  fitting: Fitting,
  index: number,
): { readonly amount: Lack; readonly agentId: string } | undefined {
  let most: { readonly amount: Lack; readonly agentId: string } | undefined
  for (const [agentId, { amounts }] of fitting) {
    const amount = amounts[index]
    if (amount === undefined) continue
    const more = amount.offered - (most?.amount.offered ?? -1)
    if (more > 0 || (more === 0 && agentId < (most?.agentId ?? ''))) most = { amount, agentId }
  }
  return most
}

/** Each resource is somewhere, but not all of them on one agent. */
function apartText(fitting: Fitting): string {
  const lacks = fitting
    .map(([agentId, { amounts }]) => ({ agentId, lacking: amounts.filter(isLacking) }))
    .filter(({ lacking }) => lacking.length > 0)
    .sort((a, b) => a.lacking.length - b.lacking.length || (a.agentId < b.agentId ? -1 : 1))
  if (lacks.length === 0) return 'what would fit was gone before it could be used'
  const named = lacks.slice(0, NEAREST_MAX).map(({ agentId, lacking }) => {
    const parts = lacking.map(
      ({ name, offered, wanted }) =>
        `${name} ${fromThousandths(offered)} of ${fromThousandths(wanted)}`,
    )
    return `${agentId} offers ${parts.join(' and ')}`
  })
  return `no agent offers all of it: ${named.join(', ')}`
}
