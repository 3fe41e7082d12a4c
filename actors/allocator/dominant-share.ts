/** How much of the cluster somebody holds, as one number. */
import type { Resources } from '../../protocol/resources.ts'

/** Thousandths of scalar resources by name, whatever their other traits. */
export type Scalars = Map<string, number>

/** Adds the scalars of `resources`, or takes them away; what comes to nothing is not there. */
export function addScalars(into: Scalars, resources: Resources, sign: 1 | -1): void {
  for (const { traits, amount } of resources.values()) {
    if (amount.kind !== 'scalar') continue
    const sum = (into.get(traits.name) ?? 0) + sign * amount.thousandths
    if (sum === 0) into.delete(traits.name)
    else into.set(traits.name, sum)
  }
}

/**
 * The largest part that `held` is of `total` in any one resource; 0 for who holds nothing.
 * Resources that the cluster does not have do not count.
 *
 * Source: Ghodsi, Zaharia, Hindman, Konwinski, Shenker, Stoica: Dominant Resource Fairness: Fair
 * Allocation of Multiple Resource Types, NSDI 2011, §4.1. Giving what is free to whoever has the
 * smallest dominant share, again and again, is its algorithm 1.
 */
export function dominantShare(
  held: ReadonlyMap<string, number>,
  total: ReadonlyMap<string, number>,
): number {
  let share = 0
  for (const [name, thousandths] of held) {
    const all = total.get(name)
    if (all !== undefined && all > 0 && thousandths / all > share) share = thousandths / all
  }
  return share
}
