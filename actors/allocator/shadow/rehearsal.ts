/** An allocator of one's own that believes it has the session, and whose word reaches nobody. */
import type { MasterId, RunId, SessionId } from '../../../protocol/ids.ts'
import type { Now } from '../../../protocol/now.ts'
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import type { Fence } from '../../../protocol/schema/common.ts'
import type { Allocation } from '../../../protocol/schema/master.ts'
import { PROTOCOL_VERSION, PROTOCOL_VERSIONS } from '../../../protocol/version.ts'
import type { CommonInput } from '../../parts/core.ts'
import { allocatorCore, type Input } from '../core.ts'
import type { Policy } from '../policy.ts'
import { type AllocatorState, newState } from '../state.ts'

/** Its leader is played: there is no silence. */
const LEADER: Fence = { epoch: 1, run: '0000000000000001' as RunId }
const PING_MS = 1e12

export type Rules = Omit<Extract<AllocatorFigure, { kind: 'retelling' }>, 'kind'>

export interface Rehearsal {
  readonly state: AllocatorState
  readonly session: SessionId
  /** Messages that its leader has said. */
  said: number
}

/**
 * With empty books: everything is to be told, up to `complete`. It gives no agents but those that
 * it is asked about.
 */
export function openRehearsal(seed: string, policy: Policy, rules: Rules, now: Now): Rehearsal {
  const state = newState(seed, policy)
  const beat = { ...LEADER, master: 'rehearsed' as MasterId, version: PROTOCOL_VERSIONS }
  allocatorCore.handle(state, { kind: 'beat', beat }, now)
  // What it waits for is that others open first: there are none.
  const monotonicMs = allocatorCore.wakeAtMs(state) ?? now.monotonicMs
  allocatorCore.handle(state, { kind: 'wake' }, { ...now, monotonicMs })
  const rehearsal = { state, session: state.session?.id as SessionId, said: 0 }
  const opened = { version: PROTOCOL_VERSION, pingMs: PING_MS, pingsMissedMax: 1, ...rules }
  say(rehearsal, [{ kind: 'opened', ...opened }], now)
  state.books.shown = new Set()
  return rehearsal
}

/** Tells it figures. What it allocates comes with its next flushes. */
export function say(rehearsal: Rehearsal, figures: AllocatorFigure[], now: Now): void {
  rehearsal.said += 1
  const numbers = { session: rehearsal.session, n: rehearsal.said, heard: 0 }
  step(rehearsal, { kind: 'figures', message: { ...LEADER, ...numbers, figures } }, now)
}

/** Gives what it would have allocated. */
export function step(
  { state }: Rehearsal,
  input: Input | CommonInput,
  now: Now,
): readonly Allocation[] {
  return allocatorCore.handle(state, input, now).flatMap((effect) => {
    if (effect.do !== 'publish') return []
    return effect.message.reports.flatMap((report) =>
      report.kind === 'allocate' ? report.allocations : [],
    )
  })
}

export const wakeAtMs = ({ state }: Rehearsal): number | undefined => allocatorCore.wakeAtMs(state)
export const wantsFlush = ({ state }: Rehearsal): boolean => allocatorCore.wantsFlush(state)
