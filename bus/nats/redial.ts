/** When who lost its server dials which, and how long it waits for an answer. */
import { randomFraction } from '../random.ts'

const PAUSE_MS = 100
const PAUSE_JITTER_MS = 100
const TIMEOUT_MS = 500
const TIMEOUT_MS_MAX = 2_000

/**
 * So long a server may take to answer, after so many rounds in which none has: on a busy machine or
 * a long way one that is there would else never be reached.
 */
export const dialTimeoutMs = (rounds: number): number =>
  Math.min(TIMEOUT_MS * 2 ** rounds, TIMEOUT_MS_MAX)

export interface RedialPace {
  /** What the client asks as its `reconnectDelayHandler`. */
  readonly delayMs: () => number
  /** A server has answered. */
  readonly begin: () => void
}

/**
 * The client asks before it takes up the next server of its list, and dials unless it has dialled
 * that one within what it is told; then it waits for what is left of that. It goes by the wall
 * clock: one that is set back by an hour would keep it from dialling for an hour. So it is told to
 * dial, once for each server, and then to pause.
 */
export function redialPace(servers: number, setTimeoutMs: (ms: number) => void): RedialPace {
  let dialled = 0
  let rounds = 0
  return {
    delayMs() {
      if (dialled < servers) {
        dialled += 1
        return Number.NEGATIVE_INFINITY
      }
      dialled = 0
      rounds += 1
      setTimeoutMs(dialTimeoutMs(rounds))
      return PAUSE_MS + randomFraction() * PAUSE_JITTER_MS
    },
    begin() {
      rounds = 0
      setTimeoutMs(dialTimeoutMs(rounds))
    },
  }
}
