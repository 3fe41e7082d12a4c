/** Roles as operators see them: the tree with what each subtree has. */
import { isEmpty } from '../../protocol/resources.ts'
import type { Listing, RoleItem } from '../../protocol/schema/operator.ts'
import { type AmountBook, addAmounts, addScalars, sumsOf } from './amounts.ts'
import { page } from './listing.ts'
import { lineOf, type RoleBooks, termsOf } from './role-books.ts'
import type { Leader } from './state.ts'

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
function rows({ frameworks, offers, roles: { terms } }: Leader): ReadonlyMap<string, Row> {
  const all = new Map<string, Row>()
  for (const role of terms.keys()) lineOfRows(all, role)
  for (const { roles, state } of frameworks.values()) {
    for (const [role, member] of roles) {
      const isGone = member.isLeft || state === 'ended'
      if (isGone && isEmpty(member.allocated)) continue
      const line = lineOfRows(all, role)
      for (const row of line) addScalars(row.allocated, member.allocated)
      const own = line.at(-1)
      if (own !== undefined && !isGone) own.frameworks += 1
    }
  }
  for (const { role, resources } of offers.values()) {
    for (const row of lineOfRows(all, role)) addScalars(row.offered, resources)
  }
  return all
}

/** The role's and those of all above it, the role's last. */
function lineOfRows(all: Map<string, Row>, role: string): readonly Row[] {
  return [...lineOf(role)].map((name) => {
    const known = all.get(name)
    if (known !== undefined) return known
    const fresh = { role: name, frameworks: 0, allocated: new Map(), offered: new Map() }
    all.set(name, fresh)
    return fresh
  })
}
