/** Puts instances on offers that they fit on. */
import type { Accepted, NotLaunched, TaskWish } from '../../actors/scheduler/scheduler.ts'
import type { TaskId } from '../../protocol/ids.ts'
import {
  ACCEPT_BYTES_MAX,
  ACCEPT_TASKS_MAX,
  ENVELOPE_BYTES_MAX,
  NOT_LAUNCHED_MAX,
} from '../../protocol/limits.ts'
import { listResources, type Resources } from '../../protocol/resources.ts'
import { wireBytes } from '../../protocol/wire-size.ts'
import { addSpots, describeMisfit, type Place, roomAt, spotsAt } from './constraints.ts'
import { healthCheckOf } from './health-check.ts'
import { containerOf } from './image.ts'
import { rootContainerOf } from './root.ts'
import { noteOffer } from './shortage.ts'
import type { Effect, Input, Instance, RunState } from './state.ts'
import { amountsOf, describeLack, isLacking, portsOf, takeOne } from './wanted.ts'

/** What does not fit now comes back when more of it is free: the leader sees to that. */
const MISFIT_MS = 60_000
/** What a decline may say. */
const REASON_LENGTH_MAX = 256
/** Refusals of an accept that say nothing about the tasks. */
const PASSING_CODES: ReadonlySet<number> = new Set([403, 409, 410, 503])

/** No more is placed: time is up, or somebody interrupts. */
export const isStopping = ({ couldNotPlace, isInterrupted }: RunState): boolean =>
  isInterrupted || couldNotPlace.length > 0

export const isWaiting = ({ view }: Instance): boolean => view.state === 'waiting'

type OfferInput = Extract<Input, { readonly kind: 'offer' }>

export function onOffer(state: RunState, offer: OfferInput, effects: Effect[]): void {
  const { offerId, place } = offer
  const waiting = isStopping(state) ? [] : state.instances.filter(isWaiting)
  if (waiting.length === 0) {
    const reason = 'all instances are placed'
    effects.push({ do: 'decline', offerId, reason, refuseMs: MISFIT_MS })
    return
  }
  const room = Math.min(
    waiting.length,
    ...state.plan.constraints.map((constraint) => roomAt(constraint, place, state.spots)),
  )
  const { tasks, left, isFull } = placeAll(state, waiting.slice(0, room), offer)
  note(state, place, left)
  if (tasks.length === 0) {
    const reason = describeMisfits(state, place, left).slice(0, REASON_LENGTH_MAX)
    effects.push({ do: 'decline', offerId, reason, refuseMs: MISFIT_MS })
    return
  }
  // More would fit, but not into one message: the rest comes back.
  effects.push({ do: 'accept', offerId, tasks, ...(isFull && { refuseMs: 0 }) })
  for (const { index } of waiting.slice(0, tasks.length))
    effects.push({ do: 'tell-changed', index })
}

/** Remembers what the agent has left, for who is told why the rest waits. */
function note({ plan, shortage, spots }: RunState, place: Place, resources: Resources): void {
  const { wanted, constraints } = plan
  const unmet = constraints.filter((constraint) => roomAt(constraint, place, spots) === 0)
  noteOffer(shortage, { place, resources, wanted, constraints, unmet })
}

function describeMisfits({ plan, spots }: RunState, place: Place, offered: Resources): string {
  const unmet = plan.constraints.filter((constraint) => roomAt(constraint, place, spots) === 0)
  const lacks = amountsOf(offered, plan.wanted).filter(isLacking)
  const whys = [...unmet.map((one) => describeMisfit(one, place)), ...lacks.map(describeLack)]
  return whys.join('; ')
}

interface Placed {
  readonly tasks: readonly TaskWish[]
  readonly left: Resources
  /** No more go into one message. */
  readonly isFull: boolean
}

/** Puts as many as fit on the offer. */
function placeAll(
  state: RunState,
  waiting: readonly Instance[],
  { place, resources }: OfferInput,
): Placed {
  const { health, image, root } = state.plan
  const tasks: TaskWish[] = []
  let left = resources
  let bytes = 2 * ENVELOPE_BYTES_MAX
  let again = 0
  for (const instance of waiting) {
    const fits = takeOne(left, state.plan.wanted)
    if (fits === undefined) break
    const task = {
      ...state.plan.task,
      taskId: taskIdOf(state, instance),
      resources: listResources(fits.taken),
      ...(image && { container: containerOf(image, portsOf(fits.taken)) }),
      ...(root && { container: rootContainerOf(root) }),
      ...(health && { healthCheck: healthCheckOf(health, portsOf(fits.taken)[0] ?? 0) }),
    }
    bytes += wireBytes(task)
    // Ids of which the leader may still hold an end: its answer names no more of them.
    if (instance.failed?.taskId === task.taskId) again += 1
    const isTooMuch = bytes > ACCEPT_BYTES_MAX || again > NOT_LAUNCHED_MAX
    if (tasks.length > 0 && (isTooMuch || tasks.length === ACCEPT_TASKS_MAX))
      return { tasks, left, isFull: true }
    begin(state, instance, { taskId: task.taskId, place, taken: fits.taken })
    tasks.push(task)
    left = fits.left
  }
  return { tasks, left, isFull: false }
}

function taskIdOf({ plan }: RunState, { index, ids }: Instance): TaskId {
  const again = ids === 1 ? '' : `-${ids}`
  return `${plan.prefix}-${index}${again}` as TaskId
}

interface Attempt {
  readonly taskId: TaskId
  readonly place: Place
  readonly taken: Resources
}

function begin(state: RunState, instance: Instance, { taskId, place, taken }: Attempt): void {
  const { index, restarts } = instance
  const ports = portsOf(taken)
  instance.isHeard = false
  instance.runsSinceMs = undefined
  instance.unknownAtMs = undefined
  instance.silentAtMs = undefined
  instance.spots = spotsAt(state.plan.constraints, place)
  instance.view = {
    index,
    state: 'TASK_STAGING',
    taskId,
    agentId: place.agentId,
    ...(ports.length > 0 && { ports }),
    ...(restarts > 0 && { restarts }),
  }
  addSpots(state.spots, instance.spots, 1)
  state.byTask.set(taskId, instance)
}

/** Its task never ran: it waits for another offer. */
export function unplace(state: RunState, instance: Instance, effects: Effect[]): void {
  const { index, restarts, view } = instance
  if (view.taskId !== undefined) state.byTask.delete(view.taskId)
  instance.ids += 1
  freeSpots(state, instance, effects)
  instance.view = { index, state: 'waiting', ...(restarts > 0 && { restarts }) }
  state.placedBefore = Math.min(state.placedBefore, index)
  effects.push({ do: 'tell-changed', index })
}

/** Another instance may go there now: agents that were declined for it are to be offered again. */
export function freeSpots(state: RunState, instance: Instance, effects: Effect[]): void {
  if (instance.spots.length === 0) return
  addSpots(state.spots, instance.spots, -1)
  instance.spots = []
  if (!state.isSuppressed) effects.push({ do: 'revive' })
}

/** It is known for the first time what became of this attempt. */
export function beHeard(state: RunState, instance: Instance): void {
  instance.isHeard = true
  instance.drops = 0
  if (instance.restarts === 0) state.unheard -= 1
}

export function onAnswered(state: RunState, accepted: Accepted, effects: Effect[]): void {
  switch (accepted.outcome) {
    case 'done':
      return onPassedOver(state, accepted.notLaunched ?? [], effects)
    case 'refused':
      return onRefused(state, accepted, effects)
    // Statuses tell.
    case 'unknown':
  }
}

/**
 * The agent of its last attempt was lost before it heard that the end was taken, and may never be
 * back: it waits for another place under another id.
 */
function onPassedOver(
  state: RunState,
  passedOver: readonly NotLaunched[],
  effects: Effect[],
): void {
  for (const { taskId } of passedOver) {
    const instance = unheardOf(state, taskId)
    if (instance !== undefined) unplace(state, instance, effects)
  }
}

function onRefused(
  state: RunState,
  { refusal: { code, message }, taskIds }: Extract<Accepted, { outcome: 'refused' }>,
  effects: Effect[],
): void {
  for (const taskId of taskIds) {
    const instance = unheardOf(state, taskId)
    if (instance === undefined) continue
    if (PASSING_CODES.has(code)) {
      unplace(state, instance, effects)
      continue
    }
    freeSpots(state, instance, effects)
    instance.view = { ...instance.view, state: 'TASK_ERROR', message }
    beHeard(state, instance)
    effects.push({ do: 'tell-changed', index: instance.index })
  }
}

function unheardOf({ byTask }: RunState, taskId: TaskId): Instance | undefined {
  const instance = byTask.get(taskId)
  return instance?.isHeard ? undefined : instance
}
