/**
 * A shadow's decisions: it hears what the allocator hears, decides in books of its own, and only
 * says what it would have done.
 */
import { RETELL_MS, SHADOW_REPORT_MS } from '../../../protocol/limits.ts'
import type { Now } from '../../../protocol/now.ts'
import type { AllocatorFigures } from '../../../protocol/schema/allocator.ts'
import type { AllocatorReports, LeaderBeat } from '../../../protocol/schema/master.ts'
import type { CommonInput, Core } from '../../parts/core.ts'
import { nextInteger } from '../../parts/random.ts'
import { drf } from '../policies/drf.ts'
import { newComparison } from './comparison.ts'
import type { ShadowEffect } from './effects.ts'
import { ASK_JITTER_MS, hearBeat, hearFigures, hearReports, lose } from './following.ts'
import { rehearse, wantsStep } from './judging.ts'
import { step, wakeAtMs } from './rehearsal.ts'
import { reportOf } from './report.ts'
import type { ShadowState } from './state.ts'

export type ShadowInput =
  | { readonly kind: 'beat'; readonly beat: LeaderBeat }
  | { readonly kind: 'figures'; readonly message: AllocatorFigures }
  /** What the allocator says to the leader. */
  | { readonly kind: 'reports'; readonly message: AllocatorReports }
  /** The connection was away: what was said meanwhile is lost. */
  | { readonly kind: 'reconnected' }

export const shadowCore: Core<ShadowState, ShadowInput, ShadowEffect> = {
  handle(state, input, now) {
    const before = state.isTold
    const effects = handle(state, input, now)
    if (state.isTold === before) return effects
    return [...effects, { do: 'tell-phase', phase: state.isTold ? 'comparing' : 'waiting' }]
  },
  wakeAtMs({ askAtMs, reportAtMs, rehearsal }) {
    const times = [askAtMs, reportAtMs, rehearsal && wakeAtMs(rehearsal)]
    const set = times.filter((atMs) => atMs !== undefined)
    return set.length === 0 ? undefined : Math.min(...set)
  },
  wantsFlush: ({ rehearsal, heard }) => rehearsal !== undefined && wantsStep(rehearsal, heard),
}

/** The policy is no good: the comparison begins anew, with the default one. */
export function fallBack(state: ShadowState, problem: string, now: Now): readonly ShadowEffect[] {
  const failed = { policy: state.policy.name, problem }
  state.failed = failed
  state.policy = drf
  state.comparison = newComparison()
  state.sinceWallMs = undefined
  return [{ do: 'tell-failure', ...failed }, ...beginAnew(state, now)]
}

/** What was half done is void: everything is to be told anew. */
export function beginAnew(state: ShadowState, now: Now): readonly ShadowEffect[] {
  const before = state.isTold
  lose(state, now)
  return before ? [{ do: 'tell-phase', phase: 'waiting' }] : []
}

function handle(
  state: ShadowState,
  input: ShadowInput | CommonInput,
  now: Now,
): readonly ShadowEffect[] {
  switch (input.kind) {
    case 'beat':
      hearBeat(state, input.beat, now)
      return []
    case 'figures':
      hearFigures(state, input.message, now)
      return []
    case 'reports':
      hearReports(state, input.message)
      return []
    case 'reconnected':
      lose(state, now)
      return []
    case 'wake':
      return wake(state, now)
    case 'flush':
      rehearse(state, now)
      return []
    default:
      return input satisfies never
  }
}

function wake(state: ShadowState, now: Now): readonly ShadowEffect[] {
  const { rehearsal, askAtMs, reportAtMs } = state
  const effects: ShadowEffect[] = []
  if (rehearsal !== undefined) step(rehearsal, { kind: 'wake' }, now)
  if (askAtMs !== undefined && askAtMs <= now.monotonicMs) {
    state.askAtMs = undefined
    if (state.named !== undefined && rehearsal === undefined) {
      effects.push({ do: 'ask' })
      const jitterMs = nextInteger(state.random, 0, ASK_JITTER_MS + 1)
      state.askAtMs = now.monotonicMs + RETELL_MS + jitterMs
    }
  }
  if (reportAtMs !== undefined && reportAtMs <= now.monotonicMs) {
    effects.push({ do: 'publish', report: reportOf(state, now) })
    state.reportAtMs = now.monotonicMs + SHADOW_REPORT_MS
  }
  return effects
}
