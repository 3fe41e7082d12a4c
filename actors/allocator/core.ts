/** The allocator's decisions: one input at a time, no clock, no bus, no chance of its own. */
import type { Now } from '../../protocol/now.ts'
import type { AllocatorFigures } from '../../protocol/schema/allocator.ts'
import type { AllocatorReport, LeaderBeat } from '../../protocol/schema/master.ts'
import type { CommonInput, Core } from '../parts/core.ts'
import { cut } from '../parts/outbox.ts'
import { nextNumber } from '../parts/session.ts'
import { markDirty } from './books/books.ts'
import type { Effect } from './effects.ts'
import { ask, explainSome, hasQuestions } from './explain/answering.ts'
import { takeFigure, takeRules } from './figures/taking.ts'
import { allocateSome, hasWork } from './giving/allocate.ts'
import { takeAllocations } from './giving/allocation-list.ts'
import { refresh } from './roles/tree.ts'
import { close, confirm, endIfSilent, hearBeat, hearMessage, openIfDue, reopen } from './session.ts'
import type { AllocatorState, Books } from './state.ts'

export type Input =
  | { readonly kind: 'beat'; readonly beat: LeaderBeat }
  | { readonly kind: 'figures'; readonly message: AllocatorFigures }
  /** The connection was away: what was said meanwhile is lost. */
  | { readonly kind: 'reconnected' }

export const allocatorCore: Core<AllocatorState, Input, Effect> = {
  handle(state, input, now) {
    const before = state.phase
    const effects = handle(state, input, now)
    const { phase } = state
    return phase === before ? effects : [...effects, { do: 'tell-phase', phase }]
  },
  wakeAtMs({ openAtMs, silentAtMs, books }) {
    const never = Number.POSITIVE_INFINITY
    const atMs = Math.min(openAtMs ?? never, silentAtMs ?? never, books.retries.nextMs() ?? never)
    return atMs === never ? undefined : atMs
  },
  wantsFlush({ phase, reports, books }) {
    if (reports.length > 0) return true
    return phase === 'allocating' && (hasWork(books) || hasQuestions(books))
  },
}

function handle(state: AllocatorState, input: Input | CommonInput, now: Now): readonly Effect[] {
  switch (input.kind) {
    case 'beat':
      return hearBeat(state, input.beat, now)
    case 'figures':
      return takeMessage(state, input.message, now)
    case 'reconnected':
      return reopen(state, now)
    case 'wake':
      return wake(state, now)
    case 'flush':
      return flush(state, now)
    default:
      return input satisfies never
  }
}

function takeMessage(
  state: AllocatorState,
  message: AllocatorFigures,
  now: Now,
): readonly Effect[] {
  const { isHeard, effects } = hearMessage(state, message, now)
  if (!isHeard) return effects
  for (const figure of message.figures) {
    if (figure.kind === 'opened') {
      confirm(state, figure, now)
      takeRules(state.books, figure)
    } else if (figure.kind === 'closed') close(state)
    // Nothing counts before the session is confirmed, or after it is over.
    if (state.phase !== 'filling' && state.phase !== 'allocating') continue
    switch (figure.kind) {
      case 'opened':
      case 'closed':
      case 'retelling':
        break
      case 'ask-agent':
      case 'ask-member':
      case 'ask-role':
        ask(state, figure)
        break
      case 'complete':
        state.phase = 'allocating'
        state.books.allAreDirty = true
        break
      case 'ping':
        state.reports.push({ kind: 'pong' })
        break
      default:
        takeFigure(state.books, figure, now, message.heard)
    }
  }
  return effects
}

function wake(state: AllocatorState, now: Now): readonly Effect[] {
  endIfSilent(state, now)
  const { books } = state
  for (;;) {
    const agent = books.retries.takeDue(now.monotonicMs)
    if (agent === undefined) break
    agent.retryAtMs = undefined
    markDirty(books, agent)
  }
  return openIfDue(state, now)
}

function flush(state: AllocatorState, now: Now): readonly Effect[] {
  const { books, session } = state
  if (state.phase === 'allocating') {
    refresh(books.tree)
    if (hasWork(books)) allocateSome(state, now)
    explainSome(state, now)
  }
  if (session === undefined) return []
  return takeReports(state).map((reports) => {
    const n = nextNumber(session)
    noteSaid(books, reports, n)
    return { do: 'publish', message: { session: session.id, n, heard: session.heard, reports } }
  })
}

function noteSaid({ pending }: Books, reports: readonly AllocatorReport[], n: number): void {
  for (const report of reports) {
    if (report.kind !== 'allocate') continue
    for (const { allocation } of report.allocations) {
      const said = pending.get(allocation)
      if (said !== undefined) said.saidIn = n
    }
  }
}

/** All that is to be said, cut into lists of which each fits into one message. */
function takeReports(state: AllocatorState): readonly AllocatorReport[][] {
  const lists = cut(state.reports).map((some) => [...some])
  for (const allocations of takeAllocations(state.allocations)) {
    lists.push([{ kind: 'allocate', allocations }])
  }
  state.reports = []
  return lists
}
