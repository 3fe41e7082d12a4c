/**
 * A server that its peers have lost keeps its clients, who hear nobody from elsewhere any more. So
 * whoever hears no leader for long tries another server of its list.
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
/** Not all leave in one moment. */
const JITTER_LOOKS = 5
/** Perhaps nobody leads anywhere: each time in vain doubles the next silence, up to this. */
const LOOKS_MAX = 80

const NO_LEADER = 'hears no leader: tries another NATS server'

export interface SilenceDeps {
  readonly bus: Bus
  /** What a leader says there at least once a second. */
  readonly subject: string
  readonly clock: Clock
  /** Has `bus` dial another server. It may come back to the same. */
  readonly leave: () => void
  /** Is told `bus/no-leader` (later) each time. */
  readonly onFault: (fault: ClusterError) => void
}

/** Until `bus` is closed. */
export function watchSilence({ bus, subject, clock, leave, onFault }: SilenceDeps): void {
  let looks = LOOKS
  const draw = (): number => looks + Math.floor(randomFraction() * JITTER_LOOKS)
  let looksLeft = draw()
  const look = (): void => {
    if (bus.state === 'closed') return
    clock.after(LOOK_MS, look)
    // Who dials looks for a server already.
    looksLeft = bus.state === 'connected' ? looksLeft - 1 : draw()
    if (looksLeft > 0) return
    looks = Math.min(looks * 2, LOOKS_MAX)
    looksLeft = draw()
    onFault(new ClusterError('bus/no-leader', 'later', NO_LEADER))
    leave()
  }
  bus.subscribe(subject, () => {
    looks = LOOKS
    looksLeft = draw()
  })
  clock.after(LOOK_MS, look)
}
