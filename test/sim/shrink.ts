/**
 * The fewest faults with which a failing seed still fails: first of what was planned, then of what
 * happens by chance.
 */
import { systemClock } from '../../bus/clock.ts'
import { plural } from '../../cli/plural.ts'
import { CHANCES } from './plan.ts'
import { type Outcome, runSeed, type Wanted } from './run-seed.ts'

const MINUTE_MS = 60_000
/** With fewer faults it may happen so much later. */
const LATER_MS = 20_000

export interface ShrinkOptions {
  /** Of real time: after this the fewest so far are the outcome. */
  readonly limitMs: number
  readonly onProgress: (text: string) => void
}

/** `failed` itself, if nothing can be left out. */
export async function shrink(failed: Outcome, options: ShrinkOptions): Promise<Outcome> {
  const untilMs = systemClock.now().monotonicMs + options.limitMs
  // What comes after the violation has no part in it.
  const atMs = failed.violation?.atMs ?? 0
  const isAtEnd = atMs >= failed.minutes * MINUTE_MS
  const stopAtMs = isAtEnd ? Number.POSITIVE_INFINITY : atMs + LATER_MS
  let best = failed
  let runs = 0
  /** True if it fails with these, too. */
  const stillFails = async (fewer: Partial<Wanted>): Promise<boolean> => {
    if (systemClock.now().monotonicMs > untilMs) return false
    const { seed, minutes, keep, chances } = best
    const wanted = { seed, minutes, ...(keep && { keep }), ...(chances && { chances }), ...fewer }
    const outcome = await runSeed(wanted, { stopAtMs })
    runs += 1
    const isSame = outcome.violation?.invariant === failed.violation?.invariant
    if (isSame) best = outcome
    const { strikes, chances: left = CHANCES } = best
    options.onProgress(
      `seed ${seed}: ${plural(strikes.length, 'fault')} and ${plural(left.length, 'chance')} after ${plural(runs, 'run')}`,
    )
    return isSame
  }
  const before = failed.strikes.filter((strike) => strike.atMs < atMs)
  const all = before.map(({ index }) => index)
  await stillFails({ keep: all })
  if (!(await stillFails({ chances: [] })))
    await fewest([...CHANCES], (chances) => stillFails({ chances }))
  await fewest(
    best.strikes.map(({ index }) => index),
    (keep) => stillFails({ keep }),
  )
  return best
}

/**
 * Delta debugging: leaves out ever smaller parts of `items`, as long as `holds` holds for the rest.
 */
async function fewest<T>(
  items: readonly T[],
  holds: (some: readonly T[]) => Promise<boolean>,
): Promise<void> {
  let left = items
  if (left.length === 0 || (await holds([]))) return
  for (let parts = 2; left.length > 1; ) {
    const size = Math.ceil(left.length / parts)
    let isFewer = false
    for (let from = 0; from < left.length && left.length > 1; ) {
      const rest = [...left.slice(0, from), ...left.slice(from + size)]
      if (rest.length > 0 && (await holds(rest))) {
        left = rest
        isFewer = true
      } else from += size
    }
    if (size === 1 && !isFewer) return
    parts = Math.min(left.length, isFewer ? Math.max(2, parts - 1) : parts * 2)
  }
}
