/** Roles as operators see them: the tree with what each subtree has. */
import { isEmpty } from '../../../protocol/resources.ts'
import type { Listing, RoleItem } from '../../../protocol/schema/operator.ts'
import { page } from '../listing.ts'
import type { Leader } from '../state.ts'
import { type AmountBook, addAmounts, addScalars, sumsOf } from './amounts.ts'
import { lineOf, type RoleBooks, termsOf } from './books.ts'

interface Row {
  readonly role: string
  frameworks: number
  /** Offered or held, of its children too. */
  readonly allocated: AmountBook
  readonly offered: AmountBook
}

export function listRoles(leader: Leader, listing: Listing): object {
  return page(
    listing,
    rows(leader).values(),
    ({ role }) => role,
    (row) => roleItem(leader.roles, row),
  )
}

function roleItem(books: RoleBooks, { role, frameworks, allocated, offered }: Row): RoleItem {
  const { weight, guarantee, limit } = termsOf(books, role)
  const used = new Map(allocated)
  addAmounts(used, offered, -1)
  return {
    role,
    weight,
    guarantee: sumsOf(guarantee),
    limit: sumsOf(limit),
    frameworks,
    used: sumsOf(used),
    offered: sumsOf(offered),
  }
}

/** Every role that has members, tasks, a weight or a quota, and all above it. */
function rows(leader: Leader): ReadonlyMap<string, Row> {
  const all = new Map<string, Row>()
  for (const { role, frameworks, allocated, offered } of ownRows(leader)) {
    for (const name of lineOf(role)) {
      const row = rowOf(all, name)
      addAmounts(row.allocated, allocated)
      addAmounts(row.offered, offered)
      if (name === role) row.frameworks = frameworks
    }
  }
  return all
}

/** Without what those below have: there are many offers, and not so many roles. */
function ownRows({ frameworks, offers, roles: { terms } }: Leader): Iterable<Row> {
  const own = new Map<string, Row>()
  for (const role of terms.keys()) rowOf(own, role)
  for (const { roles, state } of frameworks.values()) {
    for (const [role, member] of roles) {
      const isGone = member.isLeft || state === 'ended'
      if (isGone && isEmpty(member.allocated)) continue
      const row = rowOf(own, role)
      addScalars(row.allocated, member.allocated)
      if (!isGone) row.frameworks += 1
    }
  }
  for (const { role, resources } of offers.values()) {
    addScalars(rowOf(own, role).offered, resources)
  }
  return own.values()
}

function rowOf(all: Map<string, Row>, role: string): Row {
  const known = all.get(role)
  if (known !== undefined) return known
  const fresh = { role, frameworks: 0, allocated: new Map(), offered: new Map() }
  all.set(role, fresh)
  return fresh
}
