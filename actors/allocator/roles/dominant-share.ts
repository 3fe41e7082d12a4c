/** How much of the cluster somebody holds, as one number. */
import type { Scalars } from '../books/scalars.ts'

/**
 * The largest part that `held` is of `total` in any one resource; 0 for who holds nothing.
 * Resources that the cluster does not have do not count.
 *
 * Source: Ghodsi, Zaharia, Hindman, Konwinski, Shenker, Stoica: Dominant Resource Fairness: Fair
 * Allocation of Multiple Resource Types, NSDI 2011, §4.1. Giving what is free to whoever has the
 * smallest dominant share, again and again, is its algorithm 1.
 */
export function dominantShare(held: Readonly<Scalars>, total: Readonly<Scalars>): number {
  const length = Math.min(held.length, total.length)
  let share = 0
  for (let i = 0; i < length; i++) {
    const all = total[i] as number
    if (all <= 0) continue
    const part = (held[i] as number) / all
    if (part > share) share = part
  }
  return share
}
