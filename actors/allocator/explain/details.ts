/** What stands between one agent and one member, in words: how much of what, and for how long. */

import type { Now } from '../../../protocol/now.ts'
import { containsResources, describeResources, isEmpty } from '../../../protocol/resources.ts'
import { fromThousandths } from '../../../protocol/scalar.ts'
import type { Attribute, Constraint, Constraints } from '../../../protocol/schema/common.ts'
import type { WaitExample, WaitReason } from '../../../protocol/schema/explain.ts'
import { compileConstraints } from '../../parts/constraints.ts'
import type { AgentBook, MemberBook, RoleNode } from '../books/entities.ts'
import { pausedUntilMs } from '../judging/filters.ts'
import { limitRoom } from '../roles/quota.ts'
import type { Books } from '../state.ts'

export interface Passed {
  readonly agent: AgentBook
  readonly member: MemberBook
  readonly reason: WaitReason
}

type Detail = Pick<WaitExample, 'detail' | 'forMs'>

/** Of the wire's field, in UTF-16 units. */
const DETAIL_LENGTH_MAX = 256
/** Of one word of a stranger's in it. */
const WORD_LENGTH_MAX = 40
/** Roles that are named as those for which something is kept. */
const NAMED_MAX = 3

export function detailOf(books: Books, passed: Passed, now: Now): Detail {
  const detail = findDetail(books, passed, now)
  const { detail: text, forMs } = detail
  return {
    ...(text !== undefined && { detail: text.slice(0, DETAIL_LENGTH_MAX) }),
    ...(forMs !== undefined && { forMs: Math.ceil(forMs) }),
  }
}

function findDetail(books: Books, { agent, member, reason }: Passed, now: Now): Detail {
  switch (reason) {
    case 'full':
      return { detail: `${member.offers + member.pendingCount} offers` }
    case 'too-small':
      return { detail: tooSmall(books, agent, member) }
    case 'others-first':
      return firstIn(agent)
    case 'region':
      return { detail: regionsOf(agent, books.region) }
    case 'constraints':
      return unmet(agent, member)
    case 'limit':
      return limitsOf(books, member.leaf.top)
    case 'headroom':
      return { detail: keptOf(books, agent) }
    case 'filtered':
      return declined(agent, member, now)
    case 'paused':
      return pause(agent, now)
    default:
      return {}
  }
}

function tooSmall({ least }: Books, { available }: AgentBook, { terms }: MemberBook): string {
  const alternatives = (terms.least ?? least).map((amounts) =>
    amounts.map(({ name, thousandths }) => `${name} ${fromThousandths(thousandths)}`).join(' and '),
  )
  const wanted = alternatives.join(', or ')
  const has = describeResources(available.resources)
  return wanted === '' ? `has ${has}` : `has ${has}, takes no less than ${wanted}`
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

/** `role batch has 10 of its limit of 10 cpus`. */
function limitsOf({ names }: Books, top: RoleNode): Detail {
  const reached = (top.quota?.limit ?? []).flatMap((limit, i) => {
    if (!Number.isFinite(limit) || limitRoom(top, i) > 0) return []
    const has = fromThousandths(top.consumed[i] ?? 0)
    return [`${has} of its limit of ${fromThousandths(limit)} ${names.names[i]}`]
  })
  return reached.length === 0 ? {} : { detail: `role ${top.role} has ${reached.join(', ')}` }
}

/** What lacks of guarantees, and of which roles. */
function keptOf({ headroom, names, tree }: Books, { available }: AgentBook): string {
  const kept = available.unreserved.flatMap((free, i) => {
    const required = headroom.required[i] ?? 0
    if (free === 0 || required === 0) return []
    const all = headroom.free[i] ?? 0
    return [
      `${fromThousandths(Math.min(required, all))} of ${fromThousandths(all)} ${names.names[i]}`,
    ]
  })
  const lacking = [...tree.root.children.values()].filter(({ quota }) => quota?.isMet === false)
  const roles = lacking.slice(0, NAMED_MAX).map(({ role }) => role)
  const more = lacking.length > NAMED_MAX ? ' and others' : ''
  return `${kept.join(', ')} free in the cluster kept for guarantees of ${roles.join(', ')}${more}`
}

function declined(
  { filters, available }: AgentBook,
  member: MemberBook,
  { monotonicMs }: Now,
): Detail {
  const holding = (filters.get(member) ?? []).filter(
    ({ resources, untilMs }) =>
      untilMs > monotonicMs && containsResources(resources, available.resources),
  )
  const last = holding.toSorted((a, b) => b.untilMs - a.untilMs)[0]
  if (last === undefined || isEmpty(last.resources)) return {}
  return {
    detail: `declined ${describeResources(last.resources)}`,
    forMs: last.untilMs - monotonicMs,
  }
}

function pause(agent: AgentBook, now: Now): Detail {
  const untilMs = pausedUntilMs(agent, now)
  return untilMs === undefined ? {} : { forMs: untilMs - now.monotonicMs }
}
