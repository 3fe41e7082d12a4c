/**
 * Invariant 6: while everybody wants more than there is, what roles have follows what they weigh.
 * Measured at the machines, in runs that have such a time.
 */
import type { Operator } from './operator.ts'
import { FAIR_ROLES, type World } from './world.ts'

/** Shares are measured over the last part of that time, when what ran before has ended. */
const MEASURED_MS = 12_000
/** Roles must have had their weights for so long before. */
const SETTLED_MS = 6_000
/**
 * Tasks are large, machines small, and all that has ended at once goes to one: so much of the whole
 * may be elsewhere than it is due.
 */
const TOLERANCE = 0.12

export class SharesCheck {
  readonly #world: World
  readonly #operator: Operator
  readonly #sums = new Map<string, number>()
  #settledAtMs: number | undefined
  #samples = 0

  constructor(world: World, operator: Operator) {
    this.#world = world
    this.#operator = operator
  }

  /** Looks at what runs just now. */
  sample(): void {
    const { nowMs, options, machines } = this.#world
    if (!options.isFair || nowMs >= options.quietFromMs) return
    if (this.#operator.settled !== undefined) this.#settledAtMs ??= nowMs
    if (nowMs < options.quietFromMs - MEASURED_MS) return
    this.#samples += 1
    for (const machine of machines)
      for (const { role, cpus } of machine.holding())
        this.#sums.set(role, (this.#sums.get(role) ?? 0) + cpus)
  }

  /** After that time. */
  conclude(): void {
    const { options } = this.#world
    const weights = this.#operator.settled
    const latestMs = options.quietFromMs - MEASURED_MS - SETTLED_MS
    if (!options.isFair || weights === undefined) return
    if (this.#samples === 0 || (this.#settledAtMs ?? Number.POSITIVE_INFINITY) > latestMs) return
    const all = [...this.#sums.values()].reduce((sum, cpus) => sum + cpus, 0)
    const weightOf = (role: string): number => weights.get(role) ?? 1
    const whole = FAIR_ROLES.reduce((sum, role) => sum + weightOf(role), 0)
    for (const role of FAIR_ROLES) {
      const part = (this.#sums.get(role) ?? 0) / all
      const due = weightOf(role) / whole
      if (Math.abs(part - due) <= TOLERANCE) continue
      this.#world.fail({
        invariant: '6: shares converge to the weights',
        what: `${role} weighs ${weightOf(role)} of ${whole} and has ${(part * 100).toFixed(1)} % of what runs`,
        about: [],
      })
    }
  }
}
