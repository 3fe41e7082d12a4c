/** Roles as operators see them: the tree with what each subtree has. */
import { isEmpty } from '../../../protocol/resources.ts'
import type { Listing, RoleItem } from '../../../protocol/schema/operator.ts'
import type { Framework } from '../entities.ts'
import { page } from '../listing.ts'
import type { Leader } from '../state.ts'
import { type AmountBook, addAmounts, addScalars, sumsOf } from './amounts.ts'
import { lineOf, type RoleBooks, termsOf } from './books.ts'

interface Row {
  readonly role: string
  /** In it or below it, each once. */
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
  for (const { role, allocated, offered } of ownRows(leader)) {
    for (const name of lineOf(role)) {
      const row = rowOf(all, name)
      addAmounts(row.allocated, allocated)
      addAmounts(row.offered, offered)
    }
  }
  for (const framework of leader.frameworks.values()) {
    for (const name of rolesOf(framework)) rowOf(all, name).frameworks += 1
  }
  return all
}

/** The roles that it is in, and all above them. */
function rolesOf({ roles, state }: Framework): ReadonlySet<string> {
  if (state === 'ended') return new Set()
  return new Set([...roles].flatMap(([role, { isLeft }]) => (isLeft ? [] : [...lineOf(role)])))
}

/** Without what those below have: there are many offers, and not so many roles. */
function ownRows({ frameworks, offers, roles: { terms } }: Leader): Iterable<Row> {
  const own = new Map<string, Row>()
  for (const role of terms.keys()) rowOf(own, role)
  for (const { roles, state } of frameworks.values()) {
    for (const [role, member] of roles) {
      const isGone = member.isLeft || state === 'ended'
      if (isGone && isEmpty(member.allocated)) continue
      addScalars(rowOf(own, role).allocated, member.allocated)
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
