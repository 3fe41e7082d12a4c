/** Accept: offers of one agent and role become launches; what is left counts as declined. */
import { type Refusal, refusal } from '../../protocol/errors.ts'
import { type Launch, madeIn, type OfferId } from '../../protocol/ids.ts'
import {
  ACCEPT_BYTES_MAX,
  ACCEPT_TASKS_MAX,
  REFUSAL_LENGTH_MAX,
  TASK_BYTES_MAX,
} from '../../protocol/limits.ts'
import { addResources, NO_RESOURCES, type Resources } from '../../protocol/resources.ts'
import type { Accept } from '../../protocol/schema/calls.ts'
import type { TaskInfo } from '../../protocol/schema/common.ts'
import { wireBytes } from '../../protocol/wire-size.ts'
import { order } from './agents.ts'
import { giveBack, roleOf, type Share } from './books.ts'
import type { Agent, Framework, Offer, Task } from './entities.ts'
import { addFilter } from './filters.ts'
import { validateLaunch } from './launch-validation.ts'
import { endOffer, takeOffer } from './offers.ts'
import { tellWorld } from './public-events.ts'
import { count } from './state.ts'
import { sayStatus, tellLaunched } from './tasks.ts'
import type { LeaderTurn } from './turn.ts'

/** Ids of accepted offers that are remembered; older ones are answered as unknown. */
const USED_OFFERS_MAX = 100_000

/** Undefined: done, and the outcome is told by statuses. A refused call has changed nothing. */
export function accept(turn: LeaderTurn, framework: Framework, call: Accept): Refusal | undefined {
  const tasks = call.operations.flatMap((operation) => operation.tasks)
  const tooLarge = sizeOf(call, tasks)
  if (tooLarge !== undefined) return tooLarge
  const offers = call.offers.map((id) => turn.leader.offers.get(id as OfferId))
  const unusable = judgeOffers(turn, framework, call, offers)
  if (unusable === 'dropped') {
    discard(turn, framework, offers)
    drop(turn, framework, tasks)
    return undefined
  }
  if (unusable !== undefined) return unusable
  use(turn, framework, call, offers as Offer[])
  return undefined
}

function sizeOf(call: Accept, tasks: readonly TaskInfo[]): Refusal | undefined {
  if (tasks.length > ACCEPT_TASKS_MAX) {
    return refusal('too-large', `an accept takes at most ${ACCEPT_TASKS_MAX} tasks`)
  }
  if (wireBytes(call) > ACCEPT_BYTES_MAX) {
    return refusal('too-large', `an accept takes at most ${ACCEPT_BYTES_MAX} bytes`)
  }
  const large = tasks.find((task) => wireBytes(task) > TASK_BYTES_MAX)
  if (large === undefined) return undefined
  return refusal('too-large', `task ${large.taskId} takes more than ${TASK_BYTES_MAX} bytes`)
}

/**
 * Used: 410. Unknown or of an older leader: 409; reconciliation decides about the tasks. Ours, but
 * gone without an accept, or mixed: the tasks are dropped. Undefined: all can be used.
 */
function judgeOffers(
  turn: LeaderTurn,
  framework: Framework,
  call: Accept,
  offers: readonly (Offer | undefined)[],
): Refusal | 'dropped' | undefined {
  const { leader } = turn
  for (const id of call.offers as OfferId[]) {
    if (leader.usedOffers.has(id)) return refusal('used', `offer ${id} was accepted before`)
    if (!leader.offers.has(id) && !isRemembered(turn, id)) {
      return refusal('stale', `offer ${id} is not known to this leader (epoch ${leader.epoch})`)
    }
  }
  const first = offers[0]
  const isOne = offers.every(
    (offer) =>
      offer !== undefined &&
      framework.offers.has(offer.offerId) &&
      offer.agentId === first?.agentId &&
      offer.role === first.role,
  )
  return isOne && new Set(call.offers).size === offers.length ? undefined : 'dropped'
}

/** True if this leader has made the offer, and would know if an accept had used it. */
function isRemembered({ leader, state }: LeaderTurn, id: OfferId): boolean {
  const made = madeIn(id)
  if (made?.epoch !== leader.epoch || made.run !== state.run) return false
  const nth = countOf(id)
  return nth > leader.offersForgotten && nth <= leader.offerCount
}

const countOf = (id: OfferId): number => Number(id.slice(id.lastIndexOf('-') + 1))

/** A bad accept gives back what it names of its own offers, without a filter. */
function discard(
  turn: LeaderTurn,
  framework: Framework,
  offers: readonly (Offer | undefined)[],
): void {
  count(turn.state, 'accepts-of-lost-offers')
  for (const offer of offers) {
    if (offer !== undefined && framework.offers.has(offer.offerId)) {
      endOffer(turn, offer.offerId, 'framework.gone')
    }
  }
}

function drop(turn: LeaderTurn, framework: Framework, tasks: readonly TaskInfo[]): void {
  for (const { taskId } of tasks) {
    // A task of that id that lives must not be told dead by its namesake's misfortune.
    if (framework.tasks.has(taskId)) continue
    sayStatus(turn, {
      framework,
      taskId,
      state: 'TASK_DROPPED',
      reason: 'INVALID_OFFERS',
      message: 'an offer was rescinded, declined, or not of one agent and role',
    })
  }
}

function use(turn: LeaderTurn, framework: Framework, call: Accept, offers: Offer[]): void {
  const { leader } = turn
  const { agentId, role } = offers[0] as Offer
  const agent = leader.agents.get(agentId) as Agent
  let pool: Resources = NO_RESOURCES
  for (const offer of offers) {
    takeOffer(turn, offer)
    pool = addResources(pool, offer.resources)
    rememberUsed(turn, offer.offerId)
  }
  const launches: { launch: Launch; task: TaskInfo }[] = []
  for (const info of call.operations.flatMap((operation) => operation.tasks)) {
    const valid = validateLaunch(framework, agent, { task: info, pool })
    if ('problem' in valid) {
      refuseTask(turn, framework, info, valid.problem)
      continue
    }
    pool = valid.left
    const share = { framework, role, agent, resources: valid.wanted }
    launches.push({ launch: launch(turn, share, info), task: info })
  }
  const left = { framework, role, agent, resources: pool }
  giveBack(turn, left)
  addFilter(turn, { framework, role, agentId, resources: pool, refuseMs: call.refuseMs })
  roleOf(framework, role).isDeclinedLast = launches.length === 0
  const { subscription, principal, frameworkId } = framework
  if (launches.length === 0 || subscription === undefined) return
  order(turn, agent, {
    kind: 'run',
    principal,
    frameworkId,
    subscription,
    role,
    resourcesVersion: agent.info?.resourcesVersion ?? 0,
    tasks: launches,
  })
  const used = { agentId, offers: offers.map(({ offerId }) => offerId), tasks: launches.length }
  tellWorld(turn, { kind: 'offer', what: 'accepted', framework }, used)
  for (const { task } of launches)
    tellLaunched(turn, framework, framework.tasks.get(task.taskId) as Task)
}

function rememberUsed({ leader }: LeaderTurn, offerId: OfferId): void {
  leader.usedOffers.add(offerId)
  if (leader.usedOffers.size <= USED_OFFERS_MAX) return
  const oldest = leader.usedOffers.values().next()
  if (oldest.done) return
  leader.usedOffers.delete(oldest.value)
  leader.offersForgotten = Math.max(leader.offersForgotten, countOf(oldest.value))
}

function refuseTask(
  turn: LeaderTurn,
  framework: Framework,
  { taskId }: TaskInfo,
  problem: string,
): void {
  count(turn.state, 'tasks-invalid')
  if (framework.tasks.has(taskId)) return
  sayStatus(turn, {
    framework,
    taskId,
    state: 'TASK_ERROR',
    reason: 'TASK_INVALID',
    message: problem.slice(0, REFUSAL_LENGTH_MAX),
  })
}

function launch(turn: LeaderTurn, share: Share, info: TaskInfo): Launch {
  const { framework, agent, role, resources } = share
  const { leader, state, now } = turn
  leader.launchCount += 1
  const id = `${leader.epoch}-${state.run}-${leader.launchCount}` as Launch
  const { principal, frameworkId } = framework
  const task: Task = {
    framework: { principal, frameworkId },
    taskId: info.taskId,
    launch: id,
    agentId: agent.agentId,
    role,
    name: info.name,
    resources,
    state: 'TASK_STAGING',
    number: undefined,
    status: undefined,
    kill: undefined,
    // What it holds was the offer's: it is with the role already.
    isHeld: true,
    changedAtMs: now.wallMs,
  }
  framework.tasks.set(task.taskId, task)
  agent.tasks.add(task)
  count(state, 'tasks-launched')
  return id
}
