/** What quotas leave a member of an agent, and which, in words. */
import { fromThousandths } from '../../../protocol/scalar.ts'
import type { AgentBook, MemberBook, RoleNode } from '../books/entities.ts'
import { withoutReserved } from '../judging/eligibility.ts'
import { limitRoom, surplus } from '../roles/quota.ts'
import type { Books } from '../state.ts'

/** Roles that are named as those for which something is kept. */
const NAMED_MAX = 3

export interface Cut {
  /** `headroom`: at least a part of it is for that. */
  readonly by: 'limit' | 'headroom'
  readonly text: string
}

interface Part {
  readonly number: number
  readonly has: number
  readonly room: number
  readonly by: Cut['by']
}

/** Undefined: they leave all of it. */
export function cutOf(
  books: Books,
  { agent, member }: { readonly agent: AgentBook; readonly member: MemberBook },
): Cut | undefined {
  const { top } = member.leaf
  const parts = partsOf(books, withoutReserved(books.names, agent.available, member.role), top)
  if (parts.length === 0) return undefined
  const isKept = parts.some(({ by }) => by === 'headroom')
  const isLimited = (i: number): boolean =>
    parts.some(({ number, by }) => number === i && by === 'limit')
  const some = parts.map(({ number, has, room }) => {
    const name = books.names.names[number]
    return `${name} ${fromThousandths(room)} of ${fromThousandths(has)}`
  })
  const why = [
    limitsOf(books, top, isLimited) ?? [],
    isKept ? `the rest is kept for guarantees of ${lackingBeside(books, top)}` : [],
  ].flat()
  return { by: isKept ? 'headroom' : 'limit', text: `${some.join(', ')}: ${why.join('; ')}` }
}

/** What its own role lacks is kept for nobody else. */
function partsOf(
  { headroom }: Books,
  { unreserved }: AgentBook['available'],
  top: RoleNode,
): readonly Part[] {
  return unreserved.flatMap((has, number) => {
    const limited = Math.max(0, limitRoom(top, number))
    const kept = (top.quota?.unmet[number] ?? 0) + Math.max(0, surplus(headroom, number))
    const room = Math.min(limited, kept)
    return has > room ? [{ number, has, room, by: limited <= kept ? 'limit' : 'headroom' }] : []
  })
}

/** `role batch has 10 of its limit of 10 cpus`. Undefined: none of those has a limit. */
export function limitsOf(
  { names }: Books,
  top: RoleNode,
  isShort: (number: number) => boolean,
): string | undefined {
  const short = (top.quota?.limit ?? []).flatMap((limit, i) => {
    if (!Number.isFinite(limit) || !isShort(i)) return []
    const has = fromThousandths(top.consumed[i] ?? 0)
    return [`${has} of its limit of ${fromThousandths(limit)} ${names.names[i]}`]
  })
  return short.length === 0 ? undefined : `role ${top.role} has ${short.join(', ')}`
}

/** What other roles lack of their guarantees, and which. */
export function keptOf(books: Books, { available }: AgentBook, top: RoleNode): string {
  const { headroom, names } = books
  const kept = available.unreserved.flatMap((free, i) => {
    const required = (headroom.required[i] ?? 0) - (top.quota?.unmet[i] ?? 0)
    if (free === 0 || required === 0) return []
    const all = headroom.free[i] ?? 0
    return [
      `${fromThousandths(Math.min(required, all))} of ${fromThousandths(all)} ${names.names[i]}`,
    ]
  })
  const roles = lackingBeside(books, top)
  return `${kept.join(', ')} free in the cluster kept for guarantees of ${roles}`
}

function lackingBeside({ tree }: Books, top: RoleNode): string {
  const lacking = [...tree.root.children.values()].filter(
    (role) => role !== top && role.quota?.isMet === false,
  )
  const roles = lacking.slice(0, NAMED_MAX).map(({ role }) => role)
  return `${roles.join(', ')}${lacking.length > NAMED_MAX ? ' and others' : ''}`
}
