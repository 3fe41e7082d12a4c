/** Goes through what was heard, in its order: figures are told, decisions are compared. */
import type { Now } from '../../../protocol/now.ts'
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import type { Books } from '../state.ts'
import { forgetRow, note } from './comparison.ts'
import { decide, type RealDecision } from './deciding.ts'
import { type Rehearsal, say, step, wantsFlush } from './rehearsal.ts'
import type { Heard, ShadowState } from './state.ts'

export const wantsStep = (rehearsal: Rehearsal, heard: readonly Heard[]): boolean =>
  heard.length > 0 || wantsFlush(rehearsal)

/** The next piece of what was heard, in its order: one a turn, for none is small. */
export function rehearse(state: ShadowState, now: Now): void {
  const { rehearsal, heard } = state
  if (rehearsal === undefined) return
  if (wantsFlush(rehearsal)) {
    step(rehearsal, { kind: 'flush' }, now)
    return
  }
  const next = heard.shift()
  if (next === undefined) return
  if ('figures' in next) hearNext(state, rehearsal, next.figures, now)
  else judge(state, rehearsal, next.decisions, now)
}

function judge(
  state: ShadowState,
  rehearsal: Rehearsal,
  decisions: readonly RealDecision[],
  now: Now,
): void {
  const { comparison, early, isTold } = state
  const known = decisions.filter((decision) => {
    const { agentId, version } = decision
    const there = rehearsal.state.books.agents.get(agentId)?.version
    if (there === version) return true
    if (there === undefined || there < version) early.set(agentId, decision)
    else if (isTold) comparison.missed += 1
    return false
  })
  for (const decision of decide(rehearsal, known, now)) if (isTold) note(comparison, decision, now)
}

/** What is for every allocator; then those decisions that were waiting for it. */
function hearNext(
  state: ShadowState,
  rehearsal: Rehearsal,
  figures: readonly AllocatorFigure[],
  now: Now,
): void {
  const { early } = state
  say(rehearsal, tellable(state, rehearsal, figures), now)
  for (const figure of figures) {
    const decision = figure.kind === 'agent' ? early.get(figure.agentId) : undefined
    if (decision === undefined) continue
    early.delete(decision.agentId)
    judge(state, rehearsal, [decision], now)
  }
}

/**
 * What of `figures` is for every allocator. With an agent's next figure all that was given of it
 * before is in the figures.
 */
function tellable(
  state: ShadowState,
  { state: { books } }: Rehearsal,
  figures: readonly AllocatorFigure[],
): AllocatorFigure[] {
  const told: AllocatorFigure[] = []
  const over: number[] = []
  for (const figure of figures) {
    switch (figure.kind) {
      case 'agent':
      case 'agent-gone':
        over.push(...overWith(figure, books))
        break
      case 'member-gone':
        forgetRow(state.comparison, figure)
        break
      case 'complete':
        // To those who were told it before, it says nothing.
        if (state.isTold) continue
        state.isTold = true
        break
      case 'answered':
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

/** What was given of the agent, of another version. */
function overWith(
  figure: Extract<AllocatorFigure, { kind: 'agent' | 'agent-gone' }>,
  { agents }: Books,
): readonly number[] {
  const pending = [...(agents.get(figure.agentId)?.pending ?? [])]
  const version = figure.kind === 'agent' ? figure.version : undefined
  return pending
    .filter(({ agentVersion }) => agentVersion !== version)
    .map(({ allocation }) => allocation)
}
