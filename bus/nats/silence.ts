/**
 * A server that its peers have lost keeps its clients, who hear nobody from elsewhere any more. So
 * whoever hears no leader for long tries another server of its list.
 *
 * All connections of a system leave together, for the same server. Else a master could lead by one
 * that has left, and say so by one that has not: that one alone would hear it, and stay for that.
 */
import { ClusterError } from '../../protocol/errors.ts'
import type { Bus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import { randomFraction } from '../random.ts'
import { roundAfter } from './round.ts'

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
  /** Two or more, in the order in which they are tried. */
  readonly round: readonly string[]
  readonly clock: Clock
  /** Is told `bus/no-leader` (later) each time. */
  readonly onFault: (fault: ClusterError) => void
}

export interface Wanderer {
  readonly bus: Bus
  /** Which of the round it is at, or tries now. */
  readonly server: () => string
  /** Has it dial that one next: at once, when it is connected. */
  readonly goTo: (server: string) => void
}

interface Watched extends Wanderer {
  looksLeft: number
}

export class SilenceWatch {
  readonly #deps: SilenceDeps
  readonly #watched = new Set<Watched>()
  #looks = LOOKS

  constructor(deps: SilenceDeps) {
    this.#deps = deps
  }

  /** Until its bus is closed. */
  add(wanderer: Wanderer): void {
    const one: Watched = { ...wanderer, looksLeft: this.#draw() }
    one.bus.subscribe(this.#deps.subject, () => this.#heard(one))
    if (this.#watched.size === 0) this.#lookLater()
    this.#watched.add(one)
  }

  #draw(): number {
    return this.#looks + Math.floor(randomFraction() * JITTER_LOOKS)
  }

  #heard(one: Watched): void {
    if (this.#looks > LOOKS) {
      this.#looks = LOOKS
      // There is a leader: who does not hear it is at the wrong place, and need not wait so long.
      for (const other of this.#watched) other.looksLeft = Math.min(other.looksLeft, this.#draw())
    }
    one.looksLeft = this.#draw()
  }

  #lookLater(): void {
    this.#deps.clock.after(LOOK_MS, () => this.#look())
  }

  #look(): void {
    let silent: Watched | undefined
    for (const one of this.#watched) {
      if (one.bus.state === 'closed') this.#watched.delete(one)
      // Who dials looks for a server already.
      else one.looksLeft = one.bus.state === 'connected' ? one.looksLeft - 1 : this.#draw()
      if (one.looksLeft <= 0) silent ??= one
    }
    if (this.#watched.size > 0) this.#lookLater()
    if (silent !== undefined) this.#leave(silent)
  }

  #leave(silent: Watched): void {
    this.#looks = Math.min(this.#looks * 2, LOOKS_MAX)
    this.#deps.onFault(new ClusterError('bus/no-leader', 'later', NO_LEADER))
    const to = this.#whereNoneIs(roundAfter(this.#deps.round, silent.server()))
    for (const one of this.#watched) {
      one.looksLeft = this.#draw()
      one.goTo(to)
    }
  }

  /** Where one of ours is and hears nobody but ours, we are not better off. */
  #whereNoneIs(servers: readonly string[]): string {
    const taken = new Set([...this.#watched].map((one) => one.server()))
    const [next = ''] = servers
    return servers.find((server) => !taken.has(server)) ?? next
  }
}
