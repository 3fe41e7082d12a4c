/** When who lost its server dials which: as the client is told by its `reconnectDelayHandler`. */
import { randomFraction } from '../random.ts'

const PAUSE_MS = 100
const PAUSE_JITTER_MS = 100

/**
 * The client asks before it takes up the next server of its list, and dials unless it has dialled
 * that one within what it is told; then it waits for what is left of that. It goes by the wall
 * clock: one that is set back by an hour would keep it from dialling for an hour. So it is told to
 * dial, once for each server, and then to pause.
 */
export function redialPace(servers: number): () => number {
  let dialled = 0
  return () => {
    if (dialled < servers) {
      dialled += 1
      return Number.NEGATIVE_INFINITY
    }
    dialled = 0
    return PAUSE_MS + randomFraction() * PAUSE_JITTER_MS
  }
}
