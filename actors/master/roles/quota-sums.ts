/**
 * Sums over the whole cluster of what is not reserved, for operators' calls: each costs one look at
 * all that there is.
 */
import type { AgentState } from '../agent-machine.ts'
import type { Leader } from '../state.ts'
import { type AmountBook, type Amounts, addAmounts, addUnreserved } from './amounts.ts'
import { type RoleTerms, topOf } from './books.ts'

/** What they have counts, whether they answer just now or not. */
const COUNTED: ReadonlySet<AgentState> = new Set(['registered', 'silent', 'stopped', 'opening'])

/** What all agents together have. */
export function capacityOf({ agents }: Leader): Amounts {
  const sum: AmountBook = new Map()
  for (const { state, total } of agents.values()) {
    if (COUNTED.has(state)) addUnreserved(sum, total)
  }
  return sum
}

/** What could be offered at once. */
export function freeOf({ agents }: Leader): AmountBook {
  const sum: AmountBook = new Map()
  for (const { state, free } of agents.values()) {
    if (state === 'registered') addUnreserved(sum, free)
  }
  return sum
}

/** What each role at the top has, its children included: held by tasks, and offered. */
export function allocatedByTop({ frameworks }: Leader): Map<string, AmountBook> {
  const sums = new Map<string, AmountBook>()
  for (const { roles } of frameworks.values()) {
    for (const [role, { allocated }] of roles) {
      addUnreserved(bookOf(sums, topOf(role)), allocated)
    }
  }
  return sums
}

/** Of that, what nobody can take back: without offers. */
export function heldByTop(leader: Leader): Map<string, AmountBook> {
  const sums = allocatedByTop(leader)
  for (const { role, resources } of leader.offers.values()) {
    addUnreserved(bookOf(sums, topOf(role)), resources, -1)
  }
  return sums
}

export function bookOf(books: Map<string, AmountBook>, key: string): AmountBook {
  const known = books.get(key)
  if (known !== undefined) return known
  const fresh: AmountBook = new Map()
  books.set(key, fresh)
  return fresh
}

/** What all guarantees together come to. */
export function guaranteed(terms: Iterable<Pick<RoleTerms, 'guarantee'>>): Amounts {
  const sum: AmountBook = new Map()
  for (const { guarantee } of terms) addAmounts(sum, guarantee)
  return sum
}

/** The names of which `after` has more than `before`. */
export function raised(before: Amounts, after: Amounts): Amounts {
  return new Map([...after].filter(([name, amount]) => amount > (before.get(name) ?? 0)))
}
