/**
 * Invariant 6: while everybody wants more than there is, what roles have follows what they weigh.
 * Measured at the machines, in runs that have such a time.
 */
import type { Operator } from './operator.ts'
import { FAIR_ROLES, type World } from './world.ts'

/** Roles have their weights for so long when it begins: what ran before has ended. */
const SETTLED_MS = 6_000
/** A shorter time tells nothing: a task runs for up to six seconds. */
const MEASURED_MS_MIN = 12_000
/**
 * What is free at a machine goes to one role, and the largest has up to a tenth of the whole: on
 * average so much may be elsewhere than it is due.
 */
const TOLERANCE = 0.12

export class SharesCheck {
  readonly #world: World
  readonly #operator: Operator
  readonly #sums = new Map<string, number>()
  #fromMs: number | undefined
  #untilMs = 0

  constructor(world: World, operator: Operator) {
    this.#world = world
    this.#operator = operator
  }

  /** Looks at what runs just now. */
  sample(): void {
    const { nowMs, options, machines } = this.#world
    if (!options.isFair || nowMs >= options.quietFromMs) return
    if (this.#operator.settled !== undefined) this.#fromMs ??= nowMs + SETTLED_MS
    if (this.#fromMs === undefined || nowMs < this.#fromMs) return
    this.#untilMs = nowMs
    for (const machine of machines)
      for (const { role, cpus } of machine.holding())
        this.#sums.set(role, (this.#sums.get(role) ?? 0) + cpus)
  }

  /** After that time. */
  conclude(): void {
    const { options } = this.#world
    const weights = this.#operator.settled
    if (!options.isFair || weights === undefined || this.#fromMs === undefined) return
    if (this.#untilMs - this.#fromMs < MEASURED_MS_MIN) return
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
