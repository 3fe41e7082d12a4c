/** Which agents a member may have at all, and how little is too little for it. */
import { countRanges } from '../../../protocol/ranges.ts'
import { toThousandths } from '../../../protocol/scalar.ts'
import type { Attribute, Constraints, MinAllocatable } from '../../../protocol/schema/common.ts'
import { compileConstraints, textOf } from '../../parts/constraints.ts'
import type { AgentBook, MemberBook } from '../books/entities.ts'
import {
  type Holding,
  holdingOf,
  NOTHING,
  type ResourceNames,
  reservedFor,
  type Scalars,
} from '../books/scalars.ts'
import type { Shared } from './shared.ts'
import type { Alternative, Amount, ConstraintSet, Least } from './terms.ts'

/** Constraints that make no sense hold of no agent: a leader refuses them. */
export function constraintSetOf(
  shared: Shared<ConstraintSet>,
  constraints: Constraints | undefined,
): ConstraintSet | undefined {
  if (constraints === undefined || constraints.length === 0) return undefined
  const key = JSON.stringify(constraints)
  return shared.take(key, () => {
    const judge = compileConstraints(constraints, 'constraints')
    return {
      key,
      judge: typeof judge === 'function' ? judge : () => false,
      isOfHostname: constraints.flat().some(({ attribute }) => attribute === 'hostname'),
      verdicts: new WeakMap(),
    }
  })
}

function satisfies(agent: AgentBook, set: ConstraintSet): boolean {
  const about = set.isOfHostname ? agent.info : agent.info.attributes
  const known = set.verdicts.get(about)
  if (known !== undefined) return known
  const { hostname, attributes } = agent.info
  const verdict = set.judge({ hostname, attributes: attributes.list })
  set.verdicts.set(about, verdict)
  return verdict
}

/** Why the member may not use the agent, whatever it has. Undefined: it may. */
export function unfitness(
  { info }: AgentBook,
  { terms }: MemberBook,
): 'gpus' | 'region' | undefined {
  if (info.hasGpus && !terms.usesGpus) return 'gpus'
  if (info.isForeign && !terms.knowsRegions) return 'region'
  return undefined
}

export function isConstrained(agent: AgentBook, { terms }: MemberBook): boolean {
  return terms.constraints !== undefined && !satisfies(agent, terms.constraints)
}

/** True if the agent says that it is of another region. Who says nothing is of the cluster's. */
export function isForeign(attributes: readonly Attribute[], region: string | undefined): boolean {
  if (region === undefined) return false
  const own = attributes.filter(({ name }) => name === 'region')
  return own.length > 0 && own.every((attribute) => textOf(attribute) !== region)
}

export function leastOf(names: ResourceNames, list: MinAllocatable): Least {
  return list.map((alternative) =>
    Object.entries(alternative).map(([name, decimal]) => ({
      name,
      number: names.numberOf(name),
      thousandths: toThousandths(decimal),
    })),
  )
}

/** True if it is worth an offer. */
export function isEnough(least: Least, holding: Holding): boolean {
  if (holding === NOTHING) return false
  if (least.length === 0) return true
  for (const alternative of least) if (containsAll(alternative, holding)) return true
  return false
}

function containsAll(alternative: Alternative, holding: Holding): boolean {
  for (const amount of alternative) {
    const scalar = holding.scalars[amount.number] ?? 0
    if (scalar < amount.thousandths && !isCounted(amount, holding)) return false
  }
  return true
}

function isCounted({ name, thousandths }: Amount, holding: Holding): boolean {
  const count = countOf(name, holding)
  return count * 1000 >= thousandths && count > 0
}

/** Ranges and sets count by how many there are. */
export function countOf(name: string, { resources }: Holding): number {
  let count = 0
  for (const { traits, amount } of resources.values()) {
    if (traits.name !== name) continue
    if (amount.kind === 'ranges') count += countRanges(amount.ranges)
    else if (amount.kind === 'set') count += amount.members.size
  }
  return count
}

/**
 * The least of each resource that is of use, by number: 0 where nobody said so. More than that is
 * not offered without it.
 */
export function essentialsOf(least: Least): Scalars {
  const essentials: Scalars = []
  for (const { number, thousandths } of least.flat()) {
    while (essentials.length <= number) essentials.push(0)
    const known = essentials[number] as number
    essentials[number] = known === 0 ? thousandths : Math.min(known, thousandths)
  }
  return essentials
}

/** What of an agent is for a role: nothing that is reserved for one that it is not below. */
export function withoutReserved(names: ResourceNames, holding: Holding, role: string): Holding {
  if (!holding.isReserved) return holding
  const some = [...holding.resources].filter(([, { traits }]) => {
    const owner = reservedFor(traits)
    return owner === undefined || role === owner || role.startsWith(`${owner}/`)
  })
  return some.length === holding.resources.size ? holding : holdingOf(names, new Map(some))
}
