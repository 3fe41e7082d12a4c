/** Who is asked first, computed anew from a leader's books each time: slow, short and obvious. */
import { containsResources, type Resources } from '../../protocol/resources.ts'
import type { Agent, LeaderBooks, Member } from './leader-books.ts'

/** Shares that differ by less are equal: sums of them were made in another order. */
const EQUAL = 1e-9

/**
 * Members to whom all that the agent has may go now, by weights and dominant shares alone: more
 * than one where they are equal. Quotas are none of its business.
 */
export function firstFor(
  books: LeaderBooks,
  agent: Agent,
  isUnwanted: (member: Member) => boolean,
): readonly Member[] {
  const eager = [...books.members.values()].filter(
    (member) => !member.suppressed && !hasDeclined(books, member, agent) && !isUnwanted(member),
  )
  const early = eager.filter(({ declinedLast }) => !declinedLast)
  const asked = early.length > 0 ? early : eager
  return asked.length === 0 ? [] : firstBelow(books, asked, '')
}

function hasDeclined({ nowMs }: LeaderBooks, { filters }: Member, { agentId, free }: Agent) {
  const filter = filters.get(agentId)
  return filter !== undefined && filter.untilMs > nowMs && containsResources(filter.resources, free)
}

/** Of those who are asked in a role or below it. */
function firstBelow(books: LeaderBooks, asked: readonly Member[], role: string): readonly Member[] {
  const prefix = role === '' ? '' : `${role}/`
  const own = asked.filter((member) => member.role === role)
  const sides = new Map<string, Member[]>()
  for (const member of asked) {
    if (!member.role.startsWith(prefix) || member.role === role) continue
    const child = prefix + (member.role.slice(prefix.length).split('/', 1)[0] as string)
    sides.set(child, [...(sides.get(child) ?? []), member])
  }
  const all = [...books.members.values()]
  const candidates = [...sides].map(([child, members]) => ({
    share:
      shareOf(
        books,
        all.filter((member) => `${member.role}/`.startsWith(`${child}/`)),
      ) / (books.roles.get(child)?.weight ?? 1),
    first: () => firstBelow(books, members, child),
  }))
  if (own.length > 0) {
    const share = shareOf(
      books,
      all.filter((member) => member.role === role),
    )
    candidates.push({ share, first: () => smallest(own, (member) => shareOf(books, [member])) })
  }
  return smallest(candidates, ({ share }) => share).flatMap(({ first }) => first())
}

function smallest<T>(items: readonly T[], of: (item: T) => number): readonly T[] {
  const least = Math.min(...items.map(of))
  return items.filter((item) => of(item) <= least + EQUAL)
}

/** The dominant share of all of them together. */
function shareOf({ agents }: LeaderBooks, members: readonly Member[]): number {
  const total = sumOf([...agents.values()].map(({ all }) => all))
  const held = sumOf(members.map(({ allocated }) => allocated))
  return Math.max(
    0,
    ...[...held].map(([name, amount]) => amount / (total.get(name) ?? Number.POSITIVE_INFINITY)),
  )
}

function sumOf(all: readonly Resources[]): ReadonlyMap<string, number> {
  const sum = new Map<string, number>()
  for (const { traits, amount } of all.flatMap((resources) => [...resources.values()])) {
    if (amount.kind !== 'scalar') continue
    sum.set(traits.name, (sum.get(traits.name) ?? 0) + amount.thousandths)
  }
  return sum
}
