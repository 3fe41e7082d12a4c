/** Offers: held until answered, rescinded, or the session ends. */
import { type Refusal, refusal } from '../../protocol/errors.ts'
import { madeIn, type OfferId, type TaskId } from '../../protocol/ids.ts'
import {
  ACCEPT_BYTES_MAX,
  ACCEPT_TASKS_MAX,
  CALL_OFFERS_MAX,
  ENVELOPE_BYTES_MAX,
  TASK_BYTES_MAX,
} from '../../protocol/limits.ts'
import type { NotLaunched } from '../../protocol/schema/calls.ts'
import type { TaskInfo } from '../../protocol/schema/common.ts'
import type { Offer } from '../../protocol/schema/scheduler.ts'
import { wireBytes } from '../../protocol/wire-size.ts'
import { startCall } from './calls.ts'
import type { AcceptInput, DeclineInput } from './inputs.ts'
import { sayKills } from './kills.ts'
import { askAbout } from './reconcile.ts'
import type { HeldTask, OutCall, SchedulerState } from './state.ts'
import { forgetLaunch, holdTask } from './tasks.ts'
import { count, refuseShape, settle, settleRefused, type Turn } from './turn.ts'

/** What people read of a reason; the rest is cut off. */
const REASON_LENGTH_MAX = 256

const LOSSES: Readonly<Record<string, string>> = {
  answered: 'was answered before',
  'timed-out': 'was taken back: it was not answered in time',
  'agent-lost': 'was taken back: its agent was lost',
  'left-role': 'was taken back: the framework has left its role',
  'session-over': 'has ended with the session that it was made in',
}

/** What is offered before the session is confirmed could not be answered in it. */
export function onOffers(turn: Turn, offers: readonly Offer[]): void {
  const { state, effects } = turn
  if (state.link.phase !== 'open') return count(turn, 'foreignSession')
  for (const offer of offers) state.offers.set(offer.offerId as OfferId, offer)
  effects.push({ do: 'tell-offers', offers })
}

/** Offers that are held no more are passed over: they were answered meanwhile. */
export function onRescind(turn: Turn, offers: readonly string[], reason: string): void {
  const held = (offers as readonly OfferId[]).filter((id) => lose(turn.state, id, reason))
  if (held.length > 0) turn.effects.push({ do: 'tell-rescinded', offers: held, reason })
}

/** It can be answered no more; false: it could not before. */
function lose({ offers, lost }: SchedulerState, offerId: OfferId, why: string): boolean {
  if (!offers.delete(offerId)) return false
  lost.set(offerId, why)
  return true
}

/** The session is over, and all that was offered in it. */
export function dropOffers(turn: Turn): void {
  turn.state.declines.clear()
  onRescind(turn, [...turn.state.offers.keys()], 'session-over')
}

/** Why an offer that is not held cannot be answered. */
function deadOffer({ highest, lost }: SchedulerState, offerId: OfferId): Refusal {
  const made = madeIn(offerId)
  if (made !== undefined && made.epoch < (highest?.epoch ?? 0))
    return refusal('stale', `offer ${offerId} is of an earlier leader`)
  const why = lost.get(offerId)
  return refusal('used', `offer ${offerId} ${LOSSES[why ?? ''] ?? 'is not held any more'}`)
}

/**
 * What the leader would refuse at its edge is refused here: its number would never count as heard,
 * and all that is said after it would be repeated for ever.
 */
export function onAccept(turn: Turn, input: AcceptInput): void {
  const { state } = turn
  const { offers, operations, refuseMs } = input
  const tasks = operations.flatMap((operation) => operation.tasks)
  const body = {
    offers: [...offers],
    operations: operations.map((operation) => ({ ...operation, tasks: [...operation.tasks] })),
    ...(refuseMs !== undefined && { refuseMs }),
  }
  const refused =
    refuseAccept(state, offers, tasks) ?? refuseShape('Accept', body) ?? refuseSize(offers, tasks)
  if (refused !== undefined) return settleRefused(turn, input.ask, refused)
  const { agentId } = state.offers.get(offers[0] as OfferId) as Offer
  for (const offerId of offers) lose(state, offerId, 'answered')
  const accept = startCall(turn, { verb: 'accept', body }, input.ask)
  for (const { taskId } of tasks) holdTask(state, { taskId, agentId, accept })
}

function refuseAccept(
  state: SchedulerState,
  offers: readonly OfferId[],
  tasks: readonly TaskInfo[],
): Refusal | undefined {
  if (tasks.length > ACCEPT_TASKS_MAX)
    return refusal('too-large', `${tasks.length} tasks are more than ${ACCEPT_TASKS_MAX}`)
  if (offers.length > CALL_OFFERS_MAX)
    return refusal('too-large', `${offers.length} offers are more than ${CALL_OFFERS_MAX}`)
  if (offers.length === 0) return refusal('invalid', 'an accept names no offer')
  const held = offers.map((offerId) => state.offers.get(offerId))
  const dead = held.indexOf(undefined)
  if (dead >= 0) return deadOffer(state, offers[dead] as OfferId)
  const [first] = held
  if (held.some((offer) => offer?.agentId !== first?.agentId || offer?.role !== first?.role))
    return refusal('invalid', 'the offers of one accept are of several agents or roles')
  if (new Set(offers).size < offers.length)
    return refusal('invalid', 'an accept names an offer twice')
  const ids = new Set<TaskId>()
  for (const { taskId } of tasks) {
    if (ids.has(taskId) || state.tasks.has(taskId))
      return refusal('invalid', `task ${taskId} is there already and has not ended`)
    ids.add(taskId)
  }
  return undefined
}

function refuseSize(offers: readonly OfferId[], tasks: readonly TaskInfo[]): Refusal | undefined {
  let sum = wireBytes(offers) + ENVELOPE_BYTES_MAX
  for (const task of tasks) {
    const bytes = wireBytes(task)
    if (bytes > TASK_BYTES_MAX)
      return refusal(
        'too-large',
        `task ${task.taskId} of ${bytes} bytes is more than ${TASK_BYTES_MAX}`,
      )
    sum += bytes
  }
  if (sum <= ACCEPT_BYTES_MAX) return undefined
  return refusal('too-large', `an accept of ${sum} bytes is more than ${ACCEPT_BYTES_MAX}`)
}

/**
 * Declines of one turn that say the same travel together. Dead offers beside live ones are passed
 * over.
 */
export function onDecline(turn: Turn, input: DeclineInput): void {
  const { state } = turn
  const { ask, offers, refuseMs } = input
  const reason = input.reason?.slice(0, REASON_LENGTH_MAX)
  const wrong = refuseShape('Decline', {
    offers: ['any'],
    ...(refuseMs !== undefined && { refuseMs }),
  })
  if (wrong !== undefined) return settleRefused(turn, ask, wrong)
  const live = offers.filter((offerId) => lose(state, offerId, 'answered'))
  if (live.length === 0) {
    const [first] = offers
    const refused =
      first === undefined ? refusal('invalid', 'a decline names no offer') : deadOffer(state, first)
    return settleRefused(turn, ask, refused)
  }
  const key = `${refuseMs ?? ''} ${reason ?? ''}`
  const declines = state.declines.get(key)
  if (declines === undefined) state.declines.set(key, { offers: live, refuseMs, reason })
  else declines.offers.push(...live)
  settle(turn, ask, { outcome: 'done' })
}

export function flushDeclines(turn: Turn): void {
  const { declines } = turn.state
  for (const { offers, refuseMs, reason } of declines.values()) {
    const rest = {
      ...(refuseMs !== undefined && { refuseMs }),
      ...(reason !== undefined && { reason }),
    }
    for (let i = 0; i < offers.length; i += CALL_OFFERS_MAX)
      startCall(turn, {
        verb: 'decline',
        body: { offers: offers.slice(i, i + CALL_OFFERS_MAX), ...rest },
      })
  }
  declines.clear()
}

/** The leader's answer to an accept: a refusal, or what of it was not launched. */
export function onAccepted(
  turn: Turn,
  out: OutCall,
  answered: Refusal | readonly NotLaunched[],
): void {
  const { state } = turn
  const tasks = tasksOf(state, out)
  for (const task of tasks) task.accept = undefined
  if (!('code' in answered)) {
    const passedOver = new Set(answered.map(({ taskId }) => taskId))
    const notLaunched = answered.length === 0 ? {} : { notLaunched: answered }
    settle(turn, out.ask, { outcome: 'done', ...notLaunched })
    const held = tasks.map((task) =>
      passedOver.has(task.taskId) ? forgetLaunch(state, task) : task,
    )
    return sayKills(turn, held)
  }
  const refused = answered
  count(turn, 'refusedCall')
  if (refused.name === 'stale' || refused.name === 'used') {
    // An earlier try of this accept may have used the offer: only the agent knows.
    settle(turn, out.ask, { outcome: 'unknown' })
    askAbout(turn, tasks)
    return sayKills(turn, tasks)
  }
  for (const { taskId, isHeard } of tasks) if (!isHeard) state.tasks.delete(taskId)
  settleRefused(turn, out.ask, refused)
}

/** The session ended before the answer: what has become of the tasks is asked in the next. */
export function giveUpAccept(turn: Turn, out: OutCall): void {
  for (const task of tasksOf(turn.state, out)) task.accept = undefined
  settle(turn, out.ask, { outcome: 'unknown' })
}

/** Those of its tasks that still wait for its answer. */
function tasksOf(state: SchedulerState, { call, said }: OutCall): readonly HeldTask[] {
  if (said.verb !== 'accept') return []
  const held: HeldTask[] = []
  for (const { tasks } of said.body.operations) {
    for (const { taskId } of tasks) {
      const task = state.tasks.get(taskId)
      if (task?.accept === call) held.push(task)
    }
  }
  return held
}
