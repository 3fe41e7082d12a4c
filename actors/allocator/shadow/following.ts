/** What a shadow hears: which leader and session count, and when everything is to be told anew. */
import type { Now } from '../../../protocol/now.ts'
import type { AllocatorFigure, AllocatorFigures } from '../../../protocol/schema/allocator.ts'
import type { Allocation, AllocatorReports, LeaderBeat } from '../../../protocol/schema/master.ts'
import { compareFence } from '../../parts/fence.ts'
import { nextHex, nextInteger } from '../../parts/random.ts'
import { hear, newSession } from '../../parts/session.ts'
import type { RealDecision } from './deciding.ts'
import { openRehearsal, type Rules } from './rehearsal.ts'
import type { ShadowState } from './state.ts'

/** Shadows that miss something do not all ask at once. */
export const ASK_JITTER_MS = 500
/** One that is so far behind begins anew. */
const HEARD_MAX = 10_000
/** Agents that are asked about together. */
const TOGETHER_MAX = 64

export function hearBeat(
  state: ShadowState,
  { epoch, run, allocator }: LeaderBeat,
  now: Now,
): void {
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
export function lose(state: ShadowState, now: Now): void {
  state.followed = undefined
  forget(state)
  if (state.named !== undefined) askSoon(state, now)
}

function forget(state: ShadowState): void {
  state.rehearsal = undefined
  state.isTold = false
  state.heard.length = 0
  state.early.clear()
}

function askSoon(state: ShadowState, { monotonicMs }: Now): void {
  state.askAtMs ??= monotonicMs + nextInteger(state.random, 0, ASK_JITTER_MS + 1)
}

export function hearFigures(state: ShadowState, message: AllocatorFigures, now: Now): void {
  const { session, n, figures } = message
  if (compareFence(state.highest, message) !== 'current') return
  if (state.followed?.id !== session) {
    // Of a session that was over before, to who asked for it late.
    if (figures.some(({ kind }) => kind === 'closed')) return
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
  state.heard.push({ figures: figures.slice(from).filter((figure) => !beginsAll(figure)) })
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

/**
 * One after the other, as the allocator decided: each rests on those before. Where the policy has
 * an opinion on agents, those of one message together: it is to say which is first.
 */
export function hearReports(state: ShadowState, message: AllocatorReports): void {
  const { followed, rehearsal, policy, heard } = state
  if (rehearsal === undefined || message.session !== followed?.id) return
  const decisions = message.reports.flatMap((report) =>
    report.kind === 'allocate' ? decisionsOf(report.allocations) : [],
  )
  const together = policy.rankAgent === undefined ? 1 : TOGETHER_MAX
  for (let from = 0; from < decisions.length; from += together)
    heard.push({ decisions: decisions.slice(from, from + together) })
}

function decisionsOf(allocations: readonly Allocation[]): readonly RealDecision[] {
  const decisions = new Map<string, RealDecision & { readonly real: Allocation[] }>()
  for (const allocation of allocations) {
    const { agentId, agentVersion: version } = allocation
    const key = `${agentId} ${version}`
    const known = decisions.get(key)
    if (known === undefined) decisions.set(key, { agentId, version, real: [allocation] })
    else known.real.push(allocation)
  }
  return [...decisions.values()]
}
