/**
 * Decides what `bourse run` does: places instances on offers, follows them, reads them to the end.
 */
import { isTerminal } from '../../protocol/task-state.ts'
import { toldConstraints } from './offer-terms.ts'
import { isStopping, isWaiting, onAnswered, onOffer } from './placing.ts'
import { explain } from './shortage.ts'
import { describeUnheard } from './silence.ts'
import type { Effect, Input, Instance, RunState } from './state.ts'
import { onSilenceOver, onStatus } from './statuses.ts'
import type { Why } from './why.ts'

/**
 * Where no agent that fits has offered anything for so long, those that do not fit are looked at,
 * too: else nobody could be told what there is instead.
 */
const LOOK_AROUND_MS = 300
/** Who waits is told why: first after so long, then as often as twice that, and so on. */
const LOOK_MS_MIN = 1_500
const LOOK_MS_MAX = 60_000

const NOTHING_OFFERED = 'nothing is offered, and nobody has said why'

export function handleRun(state: RunState, input: Input): readonly Effect[] {
  const effects: Effect[] = []
  if (state.isDone) return effects
  dispatch(state, input, effects)
  settleDemand(state, effects)
  if (areAllOver(state)) finish(state, effects)
  else if (state.unheard === 0 && !state.isPlacedTold) {
    state.isPlacedTold = true
    effects.push({ do: 'tell-placed' })
  }
  return effects
}

function dispatch(state: RunState, input: Input, effects: Effect[]): void {
  switch (input.kind) {
    case 'start':
      return onStart(state, effects)
    case 'offer':
      return onOffer(state, input, effects)
    case 'agent-lost':
      state.shortage.delete(input.agentId)
      return
    case 'answered':
      return onAnswered(state, input.accepted, effects)
    case 'status':
      return onStatus(state, input.status, effects)
    case 'read':
      return onRead(state, input, effects)
    case 'restart-due':
      return onRestartDue(state, input.index, effects)
    case 'silence-over':
      return onSilenceOver(state, input, effects)
    case 'look-around':
      return onLookAround(state, effects)
    case 'look':
      return onLook(state, effects)
    case 'why':
      return onWhy(state, input.why, effects)
    case 'timed-out':
      return onTimedOut(state, effects)
    case 'interrupted':
      state.isInterrupted = true
      return stopAll(state, effects)
    case 'give-up':
      return finish(state, effects)
  }
}

function finish(state: RunState, effects: Effect[]): void {
  if (state.isDone) return
  state.isDone = true
  effects.push({ do: 'done' })
}

function isOver(state: RunState, instance: Instance): boolean {
  const { view } = instance
  if (view.state === 'restarting') return false
  // The leader kills what comes back with its agent: nothing is gained by waiting for that.
  if (view.state === 'waiting' || view.state === 'TASK_UNREACHABLE') return isStopping(state)
  return isTerminal(view.state) && !isRead(state, instance)
}

/** What its latest attempt wrote is still read. */
const isRead = ({ readings }: RunState, { view: { taskId } }: Instance): boolean =>
  taskId !== undefined && readings.has(taskId)

/** Looks no further than the first that is not over: all are looked at only in the end. */
function areAllOver(state: RunState): boolean {
  const { instances } = state
  const isOverAt = (index: number): boolean => isOver(state, instances[index] as Instance)
  while (state.overBefore < instances.length && isOverAt(state.overBefore)) state.overBefore += 1
  if (state.overBefore < instances.length) return false
  const first = instances.findIndex((instance) => !isOver(state, instance))
  if (first >= 0) state.overBefore = first
  return first < 0
}

function isAnyWaiting(state: RunState): boolean {
  const { instances } = state
  const isPlaced = (index: number): boolean => !isWaiting(instances[index] as Instance)
  while (state.placedBefore < instances.length && isPlaced(state.placedBefore))
    state.placedBefore += 1
  return state.placedBefore < instances.length
}

function settleDemand(state: RunState, effects: Effect[]): void {
  const isWanted = !isStopping(state) && isAnyWaiting(state)
  if (isWanted !== state.isSuppressed) return
  state.isSuppressed = !isWanted
  effects.push({ do: isWanted ? 'revive' : 'suppress' })
  if (isWanted) lookAgain(state, LOOK_MS_MIN, effects)
}

function lookAgain(state: RunState, delayMs: number, effects: Effect[]): void {
  if (state.lookMs !== undefined) return
  state.lookMs = delayMs
  effects.push({ do: 'look-after', delayMs })
}

function onStart(state: RunState, effects: Effect[]): void {
  const { timeoutMs = Number.POSITIVE_INFINITY } = state.plan
  // In time for the answer to be told when it is up.
  lookAgain(state, Math.min(LOOK_MS_MIN, Math.ceil(timeoutMs / 2)), effects)
  if (toldConstraints(state.plan).length > 0)
    effects.push({ do: 'look-around-after', delayMs: LOOK_AROUND_MS })
}

function onLookAround(state: RunState, effects: Effect[]): void {
  if (isStopping(state) || !isAnyWaiting(state) || state.shortage.size > 0) return
  state.isLookingAround = true
  effects.push({ do: 'constrain', isOn: false })
}

function onLook(state: RunState, effects: Effect[]): void {
  if (state.isLookingAround) effects.push({ do: 'constrain', isOn: true })
  state.isLookingAround = false
  const beforeMs = state.lookMs ?? LOOK_MS_MIN
  state.lookMs = undefined
  if (isStopping(state) || !isAnyWaiting(state)) {
    state.told = ''
    return
  }
  lookAgain(state, Math.min(beforeMs * 2, LOOK_MS_MAX), effects)
  effects.push({ do: 'ask-why' })
}

/** No answer is no news. */
function onWhy(state: RunState, said: Why | undefined, effects: Effect[]): void {
  if (said !== undefined) state.why = { nothing: said.nothing ?? state.why.nothing, cut: said.cut }
  if (isStopping(state) || !isAnyWaiting(state)) return
  const why = reasonsOf(state).join('; ')
  if (why === state.told) return
  state.told = why
  effects.push({ do: 'tell-waiting', why })
}

/** A sentence for each reason: what was offered, and what the leader said. */
function reasonsOf({ shortage, plan, why }: RunState): readonly string[] {
  const { nothing, cut } = why
  if (shortage.size === 0) return nothing === undefined ? [NOTHING_OFFERED] : [nothing]
  const seen = explain(shortage, plan.constraints)
  return cut === undefined ? seen : [...seen, cut]
}

function onRead(
  state: RunState,
  { taskId, index }: Extract<Input, { kind: 'read' }>,
  effects: Effect[],
): void {
  const { readings, instances } = state
  const streams = readings.get(taskId)
  if (streams === undefined) return
  if (streams > 1) readings.set(taskId, streams - 1)
  else readings.delete(taskId)
  if (instances[index]?.isDue) onRestartDue(state, index, effects)
}

function onRestartDue(state: RunState, index: number, effects: Effect[]): void {
  const instance = state.instances[index]
  if (instance?.view.state !== 'restarting') return
  // By the same id its agent would go on with what the next attempt writes.
  instance.isDue = isRead(state, instance)
  if (instance.isDue) return
  const { restarts } = instance
  instance.view = { index, state: 'waiting', restarts }
  state.placedBefore = Math.min(state.placedBefore, index)
  effects.push({ do: 'tell-changed', index })
}

/**
 * What has run before found its place in time. What an agent was given and has not spoken of did
 * not: a place where nothing runs is none.
 */
function onTimedOut(state: RunState, effects: Effect[]): void {
  const { plan, instances } = state
  const unplaced = instances.filter((one) => !one.isHeard && one.failed === undefined)
  const { length } = unplaced
  if (length === 0 || state.isInterrupted) return
  const within = plan.timeoutMs === undefined ? '' : ` within ${plan.timeoutMs / 1000} s`
  const what = length === 1 ? '1 instance' : `${length} instances`
  state.couldNotPlace = [
    `${what} of ${plan.instances} could not be placed${within}`,
    ...(unplaced.some(isWaiting) ? reasonsOf(state) : []),
    ...describeUnheard(unplaced),
  ]
  stopAll(state, effects)
}

function stopAll({ instances }: RunState, effects: Effect[]): void {
  for (const instance of instances) {
    const { view, failed } = instance
    if (view.state === 'waiting' || view.state === 'restarting') {
      // It is not started again: how it failed is how it ended.
      instance.view = failed ?? view
    } else if (!isTerminal(view.state) && view.taskId !== undefined)
      effects.push({ do: 'kill', taskId: view.taskId })
  }
}
