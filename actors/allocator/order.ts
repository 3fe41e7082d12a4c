/** Who is asked first. */
import { OFFERS_UNANSWERED_MAX } from '../../protocol/limits.ts'
import { dominantShare } from './dominant-share.ts'
import type { Books, MemberBook } from './state.ts'

/** True if the role gets nothing more before it has answered some of what it has. */
export function isFull({ offers, pendingCount }: MemberBook): boolean {
  return offers + pendingCount >= OFFERS_UNANSWERED_MAX
}

/**
 * Roles that are full come last. Of the others those whose last answer was not a decline come
 * first, then the smaller dominant share, then the fewer allocations ever, then the key: no two
 * roles are equal.
 */
export function compareMembers(a: MemberBook, b: MemberBook): number {
  if (isFull(a) !== isFull(b)) return isFull(a) ? 1 : -1
  if (a.declinedLast !== b.declinedLast) return a.declinedLast ? 1 : -1
  return a.share - b.share || a.given - b.given || (a.key < b.key ? -1 : 1)
}

const GRADES = { nothing: 0, places: 1, members: 2, shares: 3 } as const

/** Takes note that the order no longer holds; each grade includes those below it. */
export function markStale(books: Books, what: Books['stale']): void {
  if (GRADES[what] > GRADES[books.stale]) books.stale = what
}

/** Makes the order hold again. */
export function refreshOrder(books: Books): void {
  const grade = GRADES[books.stale]
  books.stale = 'nothing'
  if (grade >= GRADES.shares) {
    for (const role of books.members.values()) role.share = dominantShare(role.held, books.total)
  }
  if (grade >= GRADES.members) {
    books.order = [...books.members.values()].filter((role) => !role.suppressed)
  }
  // Mostly in order already, for which the sort is linear.
  if (grade >= GRADES.places) books.order.sort(compareMembers)
}

/** Moves the role at `index`, which has just got something, to its place further back. */
export function moveBack({ order }: Books, index: number): void {
  const role = order[index] as MemberBook
  let low = index + 1
  let high = order.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareMembers(order[middle] as MemberBook, role) < 0) low = middle + 1
    else high = middle
  }
  if (low === index + 1) return
  order.splice(index, 1)
  order.splice(low - 1, 0, role)
}
