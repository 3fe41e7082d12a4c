/**
 * A server that its peers have lost keeps its clients, who hear nobody from elsewhere any more. So
 * whoever hears no leader for long tries another server of its list.
 *
 * All connections of a process leave together. Else a master could lead by one that has left, and
 * say so by one that has not: that one alone would hear it, and stay for what it hears.
 */
import { ClusterError } from '../../protocol/errors.ts'
import type { Bus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import { randomFraction } from '../random.ts'

/**
 * Silence is counted in looks: a process that stood still has looked once, and reads what came
 * meanwhile before it looks again.
 */
const LOOK_MS = 1_000
/** Longer than masters mostly take to find another leader while the servers are whole. */
const LOOKS = 10
/** Not all processes leave in one moment. */
const JITTER_LOOKS = 5
/** Perhaps nobody leads anywhere: each time in vain doubles the next silence, up to this. */
const LOOKS_MAX = 80

const NO_LEADER = 'hears no leader: tries another NATS server'

export interface SilenceDeps {
  /** What a leader says there at least once a second. */
  readonly subject: string
  readonly clock: Clock
  /** Is told `bus/no-leader` (later) each time. */
  readonly onFault: (fault: ClusterError) => void
}

interface Watched {
  readonly bus: Bus
  readonly leave: () => void
  looksLeft: number
}

/** The connections of a process. */
export class SilenceWatch {
  readonly #deps: SilenceDeps
  readonly #watched = new Set<Watched>()
  #looks = LOOKS

  constructor(deps: SilenceDeps) {
    this.#deps = deps
  }

  /** Until `bus` is closed. `leave` has it dial another server; it may come back to the same. */
  add(bus: Bus, leave: () => void): void {
    const one: Watched = { bus, leave, looksLeft: this.#draw() }
    bus.subscribe(this.#deps.subject, () => {
      this.#looks = LOOKS
      one.looksLeft = this.#draw()
    })
    if (this.#watched.size === 0) this.#lookLater()
    this.#watched.add(one)
  }

  #draw(): number {
    return this.#looks + Math.floor(randomFraction() * JITTER_LOOKS)
  }

  #lookLater(): void {
    this.#deps.clock.after(LOOK_MS, () => this.#look())
  }

  #look(): void {
    let isSilent = false
    for (const one of this.#watched) {
      if (one.bus.state === 'closed') this.#watched.delete(one)
      // Who dials looks for a server already.
      else one.looksLeft = one.bus.state === 'connected' ? one.looksLeft - 1 : this.#draw()
      isSilent ||= one.looksLeft <= 0
    }
    if (this.#watched.size > 0) this.#lookLater()
    if (isSilent) this.#leave()
  }

  #leave(): void {
    this.#looks = Math.min(this.#looks * 2, LOOKS_MAX)
    this.#deps.onFault(new ClusterError('bus/no-leader', 'later', NO_LEADER))
    for (const one of this.#watched) {
      one.looksLeft = this.#draw()
      one.leave()
    }
  }
}
