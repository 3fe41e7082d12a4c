/** An agent that has started is not in the cluster yet: somebody must hear of it. */
import type { Clock, Timer } from '../../bus/clock.ts'
import type { AgentState } from './state.ts'

/** A leader that is there takes less. */
const AWAITED_MS = 5_000
/** A refusal that is over sooner is not worth a word. */
const REFUSED_MS = 1_000
const LOOK_MS = 100

export interface AwaitingDeps {
  readonly states: readonly AgentState[]
  readonly clock: Clock
  readonly onNote: (message: string) => void
  /** All have that ever will, for the first time since their start. */
  readonly onRegistered: () => void
}

/**
 * Says once that agents have registered, and what they wait for if they have not some time after
 * their start. Returns what ends that.
 */
export function tellAwaiting({ states, clock, onNote, onRegistered }: AwaitingDeps): () => void {
  const startMs = clock.now().monotonicMs
  const waiting = new Set(states)
  let isTold = false
  const look = (): void => {
    for (const state of waiting) if (!isAwaiting(state)) waiting.delete(state)
    const [first] = waiting
    if (first === undefined) {
      // Of one that is given up the reason is told, and nothing else.
      if (states.some(({ link }) => link.kind === 'open')) onRegistered()
      return
    }
    const patienceMs = first.refusal === undefined ? AWAITED_MS : REFUSED_MS
    if (!isTold && clock.now().monotonicMs >= startMs + patienceMs) {
      isTold = true
      const whose = states.length > 1 ? ` (${waiting.size} of ${states.length} agents)` : ''
      onNote(`not registered yet${whose}: ${awaitedBy(first)}`)
    }
    timer = clock.after(LOOK_MS, look)
  }
  let timer: Timer = clock.after(LOOK_MS, look)
  return () => timer.cancel()
}

const isAwaiting = ({ link }: AgentState): boolean =>
  link.kind !== 'open' && link.kind !== 'given-up'

function awaitedBy(state: AgentState): string {
  const { hasHeardLeader, cannotRecord, link, isInviting, refusal } = state
  if (cannotRecord !== undefined) return `the checkpoint cannot be written: ${cannotRecord}`
  if (!hasHeardLeader) return 'it waits for a master that leads, and hears none'
  if (refusal !== undefined) return `the leader refuses it for now (${refusal})`
  if (link.kind === 'opening') return 'the leader is there, and has not taken it in'
  if (isInviting) return 'the leader is new and asks its agents in turn'
  return 'the leader has told it to come again'
}
