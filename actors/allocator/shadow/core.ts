/**
 * A shadow's decisions: it hears what the allocator hears, decides in books of its own, and only
 * says what it would have done.
 */
import { RETELL_MS, SHADOW_REPORT_MS } from '../../../protocol/limits.ts'
import type { Now } from '../../../protocol/now.ts'
import type { AllocatorFigure, AllocatorFigures } from '../../../protocol/schema/allocator.ts'
import type { AllocatorReports, LeaderBeat } from '../../../protocol/schema/master.ts'
import type { CommonInput, Core } from '../../parts/core.ts'
import { compareFence } from '../../parts/fence.ts'
import { nextHex, nextInteger } from '../../parts/random.ts'
import { hear, newSession } from '../../parts/session.ts'
import { drf } from '../policies/drf.ts'
import {
  abandon,
  abandonAll,
  answer,
  forgetRow,
  newComparison,
  note,
  settle,
} from './comparison.ts'
import type { ShadowEffect } from './effects.ts'
import { openRehearsal, type Rules, say, step, wakeAtMs, wantsFlush } from './rehearsal.ts'
import { reportOf } from './report.ts'
import type { ShadowState } from './state.ts'

export type ShadowInput =
  | { readonly kind: 'beat'; readonly beat: LeaderBeat }
  | { readonly kind: 'figures'; readonly message: AllocatorFigures }
  /** What the allocator says to the leader. */
  | { readonly kind: 'reports'; readonly message: AllocatorReports }
  /** The connection was away: what was said meanwhile is lost. */
  | { readonly kind: 'reconnected' }

/** Shadows that miss something do not all ask at once. */
const ASK_JITTER_MS = 500
/** One that is so far behind begins anew. */
const HEARD_MAX = 1_000

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
  wantsFlush: ({ rehearsal, heard }) =>
    rehearsal !== undefined && (heard.length > 0 || wantsFlush(rehearsal)),
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

function hearBeat(state: ShadowState, { epoch, run, allocator }: LeaderBeat, now: Now): void {
  state.reportAtMs ??= now.monotonicMs
  const known = compareFence(state.highest, { epoch, run })
  if (known === 'lower' || known === 'absurd') return
  if (known === 'higher') {
    state.highest = { epoch, run }
    state.named = undefined
    lose(state, now)
  }
  state.named = allocator
  if (state.rehearsal === undefined && allocator !== undefined) askSoon(state, now)
}

/** What was heard is no whole any more. */
function lose(state: ShadowState, now: Now): void {
  state.followed = undefined
  forget(state)
  if (state.named !== undefined) askSoon(state, now)
}

function forget(state: ShadowState): void {
  state.rehearsal = undefined
  state.isTold = false
  state.heard.length = 0
  abandonAll(state.comparison)
}

function askSoon(state: ShadowState, { monotonicMs }: Now): void {
  state.askAtMs ??= monotonicMs + nextInteger(state.random, 0, ASK_JITTER_MS + 1)
}

function hearFigures(state: ShadowState, message: AllocatorFigures, now: Now): void {
  const { session, n, figures } = message
  if (compareFence(state.highest, message) !== 'current') return
  if (state.followed?.id !== session) {
    forget(state)
    state.followed = { ...newSession(session), heard: n - 1 }
    askSoon(state, now)
  }
  const heard = hear(state.followed, n)
  if (heard === 'repeated') return
  if (heard === 'gap') {
    forget(state)
    askSoon(state, now)
    state.followed.heard = n
  }
  const from = state.rehearsal === undefined ? figures.findIndex(beginsAll) : 0
  const first = figures[from]
  if (first === undefined) return
  if (beginsAll(first) && state.rehearsal === undefined) begin(state, first, now)
  state.heard.push(figures.slice(from).filter((figure) => !beginsAll(figure)))
  if (state.heard.length > HEARD_MAX) lose(state, now)
}

type Beginning = Extract<AllocatorFigure, { kind: 'opened' | 'retelling' }>

const beginsAll = (figure: AllocatorFigure): figure is Beginning =>
  figure.kind === 'opened' || figure.kind === 'retelling'

function begin(state: ShadowState, { minAllocatable, region }: Beginning, now: Now): void {
  const rules: Rules = { minAllocatable, ...(region !== undefined && { region }) }
  state.rehearsal = openRehearsal(nextHex(state.random, 128), state.policy, rules, now)
  state.askAtMs = undefined
  state.sinceWallMs ??= now.wallMs
}

/** Of agents whose figures are still to come, too: there is no order between the two subjects. */
function hearReports(state: ShadowState, message: AllocatorReports): void {
  const { followed, rehearsal, comparison } = state
  if (rehearsal === undefined || message.session !== followed?.id) return
  for (const report of message.reports) {
    if (report.kind !== 'allocate') continue
    for (const allocation of report.allocations) note(comparison, 'real', allocation)
  }
}

function wake(state: ShadowState, now: Now): readonly ShadowEffect[] {
  const { rehearsal, askAtMs, reportAtMs } = state
  const effects: ShadowEffect[] = []
  if (rehearsal !== undefined) noteAll(state, step(rehearsal, { kind: 'wake' }, now))
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

/** One list of figures, when all is decided that those before brought; and a slice of deciding. */
function rehearse(state: ShadowState, now: Now): void {
  const { rehearsal, heard } = state
  if (rehearsal === undefined) return
  if (!wantsFlush(rehearsal)) {
    const figures = heard.shift()
    if (figures !== undefined) say(rehearsal, tellable(state, figures, now), now)
  }
  if (wantsFlush(rehearsal)) noteAll(state, step(rehearsal, { kind: 'flush' }, now))
}

const noteAll = ({ comparison }: ShadowState, allocations: ReturnType<typeof step>): void => {
  for (const allocation of allocations) note(comparison, 'shadow', allocation)
}

/**
 * What of `figures` is for every allocator; and what it would have allocated of agents of which the
 * next figure has come, is answered: whatever became of them is in the figures.
 */
function tellable(
  state: ShadowState,
  figures: readonly AllocatorFigure[],
  now: Now,
): AllocatorFigure[] {
  const { comparison } = state
  const told: AllocatorFigure[] = []
  const over: number[] = []
  for (const figure of figures) {
    switch (figure.kind) {
      case 'agent':
        over.push(...settle(comparison, { ...figure, counts: state.isTold }, now))
        break
      case 'agent-gone':
        over.push(...abandon(comparison, figure.agentId))
        break
      case 'member-gone':
        forgetRow(comparison, figure)
        break
      case 'answered':
        for (const { allocation, outcome } of figure.answers)
          answer(comparison, allocation, outcome)
        continue
      case 'complete':
        // To those who were told it before, it says nothing.
        if (state.isTold) continue
        state.isTold = true
        break
      case 'ask-agent':
      case 'ask-member':
      case 'ask-role':
      case 'ping':
      case 'closed':
        continue
      default:
        break
    }
    told.push(figure)
  }
  if (over.length > 0)
    told.push({
      kind: 'answered',
      answers: over.map((allocation) => ({ allocation, outcome: 'made' })),
    })
  return told
}
