/** How many checks run at once on one machine: the others wait for their turn. */
import type { Clock } from '../../bus/clock.ts'

/** So many at once, and after so long one does not count any more: who hangs holds up nobody. */
export const PLACES = 32
export const PLACE_MS_MAX = 1_000

/** Waits for its turn, or has it. */
export interface Turn {
  /** It has ended, or its turn is not wanted any more. Repeats are harmless. */
  end(): void
}

/** One is let in for each turn of the event loop: to begin a process takes some of it. */
export class Places {
  readonly #clock: Clock
  /** First come, first served. */
  readonly #waiting = new Map<Turn, () => void>()
  #taken = 0
  #isLetting = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `begin` is never called from inside. */
  wait(begin: () => void): Turn {
    let leave: (() => void) | undefined
    const turn: Turn = {
      end: () => {
        this.#waiting.delete(turn)
        leave?.()
      },
    }
    this.#waiting.set(turn, () => {
      leave = this.#take()
      begin()
    })
    this.#letIn()
    return turn
  }

  #take(): () => void {
    let isTaken = true
    this.#taken += 1
    const leave = (): void => {
      if (!isTaken) return
      isTaken = false
      timer.cancel()
      this.#taken -= 1
      this.#letIn()
    }
    const timer = this.#clock.after(PLACE_MS_MAX, leave)
    return leave
  }

  #letIn(): void {
    if (this.#isLetting || this.#taken >= PLACES || this.#waiting.size === 0) return
    this.#isLetting = true
    this.#clock.soon(() => {
      this.#isLetting = false
      const [next] = this.#waiting
      if (next === undefined) return
      this.#waiting.delete(next[0])
      next[1]()
      this.#letIn()
    })
  }
}
