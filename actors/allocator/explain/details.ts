/** What stands between one agent and one member, in words: how much of what, and for how long. */

import type { Now } from '../../../protocol/now.ts'
import { containsResources, describeResources, isEmpty } from '../../../protocol/resources.ts'
import { fromThousandths } from '../../../protocol/scalar.ts'
import type { Attribute, Constraint, Constraints } from '../../../protocol/schema/common.ts'
import type { WaitExample, WaitReason } from '../../../protocol/schema/explain.ts'
import { compileConstraints } from '../../parts/constraints.ts'
import type { AgentBook, Filter, MemberBook } from '../books/entities.ts'
import { countOf, withoutReserved } from '../judging/eligibility.ts'
import { pausedUntilMs } from '../judging/filters.ts'
import type { Amount } from '../judging/terms.ts'
import { boundedBy, limitRoom } from '../roles/quota.ts'
import type { Books } from '../state.ts'
import { cutOf, keptOf, limitsOf } from './quotas.ts'

export interface Passed {
  readonly agent: AgentBook
  readonly member: MemberBook
  readonly reason: WaitReason
}

type Detail = Pick<WaitExample, 'detail' | 'cutBy' | 'forMs'>

/** Of the wire's field, in UTF-16 units. */
const DETAIL_LENGTH_MAX = 256
/** Of one word of a stranger's in it. */
const WORD_LENGTH_MAX = 40

export function detailOf(books: Books, passed: Passed, now: Now): Detail {
  const detail = findDetail(books, passed, now)
  const { detail: text, cutBy, forMs } = detail
  return {
    ...(text !== undefined && { detail: text.slice(0, DETAIL_LENGTH_MAX) }),
    ...(cutBy !== undefined && { cutBy }),
    ...(forMs !== undefined && { forMs: Math.ceil(forMs) }),
  }
}

function findDetail(books: Books, { agent, member, reason }: Passed, now: Now): Detail {
  switch (reason) {
    case 'full':
      return { detail: `${member.offers + member.pending.size} offers` }
    case 'too-small':
      return { detail: tooSmall(books, agent, member) }
    case 'others-first':
      return firstIn(agent)
    case 'region':
      return { detail: regionsOf(agent, books.region) }
    case 'constraints':
      return unmet(agent, member)
    case 'limit':
      return limited(books, agent, member)
    case 'headroom':
      return { detail: keptOf(books, agent, member.leaf.top) }
    case 'filtered':
      return declined(books, { agent, member, now })
    case 'paused':
      return pause(agent, now)
    default:
      return {}
  }
}

/** Of what is wanted; of nothing in particular, all. */
function tooSmall(books: Books, { free }: AgentBook, { role, terms }: MemberBook): string {
  const alternatives = terms.least ?? books.least
  const visible = withoutReserved(books.names, free, role)
  if (alternatives.length === 0) return `has ${describeResources(visible.resources)}`
  const amountOf = ({ name, number }: Amount): string => {
    const amount = (visible.scalars[number] ?? 0) + countOf(name, visible) * 1000
    return amount === 0 ? `no ${name}` : `${name} ${fromThousandths(amount)}`
  }
  const has = new Set(alternatives.flat().map(amountOf))
  const wanted = alternatives.map((amounts) =>
    amounts.map(({ name, thousandths }) => `${name} ${fromThousandths(thousandths)}`).join(' and '),
  )
  return `has ${[...has].join(', ')}, takes no less than ${wanted.join(', or ')}`
}

function firstIn({ pending }: AgentBook): Detail {
  const [first] = pending
  if (first === undefined) return {}
  const { frameworkId, role } = first.member
  return { detail: `for ${frameworkId} in role ${role}` }
}

function regionsOf({ info }: AgentBook, region: string | undefined): string {
  const own = info.attributes.list.filter(({ name }) => name === 'region')
  return `is in ${own.map(valueOf).join(', ')}, the cluster in ${word(region ?? '')}`
}

/** Of the groups, of which one must hold, the first; in it, the first constraint that does not. */
function unmet({ info }: AgentBook, { terms }: MemberBook): Detail {
  const [group = []] = JSON.parse(terms.constraints?.key ?? '[]') as Constraints
  const { hostname } = info
  const attributes = info.attributes.list
  const broken = group.find((constraint) => {
    const judge = compileConstraints([[constraint]], 'constraints')
    return typeof judge !== 'function' || !judge({ hostname, attributes })
  })
  if (broken === undefined) return {}
  const { attribute } = broken
  const own = attributes.filter(({ name }) => name === attribute)
  const all: readonly Pick<Attribute, 'text' | 'scalar'>[] =
    attribute === 'hostname' ? [...own, { text: hostname }] : own
  const has = all.length === 0 ? 'has none' : `has ${attribute} = ${all.map(valueOf).join(', ')}`
  return { detail: `wants ${wishOf(broken)}, ${has}` }
}

function wishOf({ attribute, exists, ...wish }: Constraint): string {
  if (exists !== undefined) return exists ? `${attribute}` : `no ${attribute}`
  if (wish.equals !== undefined) return `${attribute} = ${word(wish.equals)}`
  if (wish.notEquals !== undefined) return `${attribute} other than ${word(wish.notEquals)}`
  if (wish.matches !== undefined) return `${attribute} like ${word(wish.matches)}`
  return `${attribute} unlike ${word(wish.notMatches ?? '')}`
}

const valueOf = ({ text, scalar }: Pick<Attribute, 'text' | 'scalar'>): string =>
  word(text ?? String(scalar))

const word = (text: string): string =>
  text.length <= WORD_LENGTH_MAX ? text : `${text.slice(0, WORD_LENGTH_MAX - 1)}…`

/** Of its limits those that are short here. */
function limited(books: Books, { available }: AgentBook, { leaf: { top } }: MemberBook): Detail {
  const detail = limitsOf(books, top, (i) => {
    const room = limitRoom(top, i)
    return room <= 0 || (available.unreserved[i] ?? 0) > room
  })
  return detail === undefined ? {} : { detail }
}

interface Declined {
  readonly agent: AgentBook
  readonly member: MemberBook
  readonly now: Now
}

/** Where little was offered, and so declined, why it is so little. */
function declined(books: Books, pair: Declined): Detail {
  const last = lastDeclined(books, pair)
  if (last === undefined || isEmpty(last.resources)) return {}
  const cut = cutOf(books, pair)
  const forMs = last.untilMs - pair.now.monotonicMs
  return cut === undefined
    ? { detail: `declined ${describeResources(last.resources)}`, forMs }
    : { detail: `it is offered ${cut.text}`, cutBy: cut.by, forMs }
}

const STAGES = ['guarantee', 'fair'] as const

/** What holds for the longest, of what is no less than what it would be offered. */
function lastDeclined(books: Books, { agent, member, now }: Declined): Filter | undefined {
  const { names, headroom } = books
  const { top } = member.leaf
  const visible = withoutReserved(names, agent.available, member.role)
  const offered = STAGES.map((stage) => boundedBy({ top, headroom, names, stage }, visible))
  const holding = (agent.filters.get(member) ?? []).filter(
    ({ resources, untilMs }) =>
      untilMs > now.monotonicMs &&
      offered.some(
        (some) => some.resources.size > 0 && containsResources(resources, some.resources),
      ),
  )
  return holding.toSorted((a, b) => b.untilMs - a.untilMs)[0]
}

function pause(agent: AgentBook, now: Now): Detail {
  const untilMs = pausedUntilMs(agent, now)
  return untilMs === undefined ? {} : { forMs: untilMs - now.monotonicMs }
}
