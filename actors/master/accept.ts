/** Accept: offers of one agent and role become launches; what is left counts as declined. */
import { type Refusal, refusal } from '../../protocol/errors.ts'
import type { Launch, OfferId } from '../../protocol/ids.ts'
import {
  ACCEPT_BYTES_MAX,
  ACCEPT_TASKS_MAX,
  NOT_LAUNCHED_MAX,
  REFUSAL_LENGTH_MAX,
  TASK_BYTES_MAX,
} from '../../protocol/limits.ts'
import { putInto, type ResourceBook } from '../../protocol/resources.ts'
import type { Accept, AcceptAnswer, NotLaunched } from '../../protocol/schema/calls.ts'
import type { TaskInfo } from '../../protocol/schema/common.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { wireBytes } from '../../protocol/wire-size.ts'
import { order } from './agents.ts'
import { giveBack, memberOf, type Share } from './books.ts'
import type { Agent, Framework, Offer, Task } from './entities.ts'
import { addFilter } from './filters.ts'
import { validateLaunch } from './launch-validation.ts'
import { rememberDiscarded, rememberUsed } from './offer-fates.ts'
import { judgeOffers, type Unusable } from './offer-judgement.ts'
import { endOffer, takeOffer } from './offers.ts'
import { tellWorld } from './public-events.ts'
import { count } from './state.ts'
import { sayStatus, sendKnown, tellLaunched } from './tasks.ts'
import type { LeaderTurn } from './turn.ts'

/** `bytes`: how long it was on the wire, if that is known. */
export interface AcceptCall {
  readonly body: Accept
  readonly bytes?: number
}

/**
 * A call that is no longer need not be measured, nor its tasks: what is counted of a value is at
 * most five times what it takes, for an empty map.
 */
const FITTING_BYTES_MAX = TASK_BYTES_MAX / 5

/** A refused call has changed nothing. The outcome of tasks is told by statuses. */
export function accept(
  turn: LeaderTurn,
  framework: Framework,
  { body: call, bytes }: AcceptCall,
): Refusal | AcceptAnswer {
  const tasks = call.operations.flatMap((operation) => operation.tasks)
  const tooLarge = refusalOfSize(call, tasks, bytes)
  if (tooLarge !== undefined) return tooLarge
  const judged = judgeOffers(turn, framework, call)
  if ('code' in judged) return judged
  const used: NotLaunched[] = []
  const fresh =
    'problem' in judged ? tasks.filter((task) => isFree(turn, framework, task, used)) : []
  if ('problem' in judged) {
    discard(turn, framework, call)
    drop(turn, framework, fresh, judged)
  } else use(turn, framework, call, { offers: judged, tasks, inUse: used })
  return used.length === 0 ? {} : { notLaunched: used.slice(0, NOT_LAUNCHED_MAX) }
}

function refusalOfSize(
  call: Accept,
  tasks: readonly TaskInfo[],
  bytes = Number.POSITIVE_INFINITY,
): Refusal | undefined {
  if (tasks.length > ACCEPT_TASKS_MAX) {
    return refusal('too-large', `an accept takes at most ${ACCEPT_TASKS_MAX} tasks`)
  }
  if (bytes <= FITTING_BYTES_MAX) return undefined
  if (wireBytes(call) > ACCEPT_BYTES_MAX) {
    return refusal('too-large', `an accept takes at most ${ACCEPT_BYTES_MAX} bytes`)
  }
  const large = tasks.find((task) => wireBytes(task) > TASK_BYTES_MAX)
  if (large === undefined) return undefined
  return refusal('too-large', `task ${large.taskId} takes more than ${TASK_BYTES_MAX} bytes`)
}

/** A bad accept gives back what it names of its own offers, without a filter. */
function discard(turn: LeaderTurn, framework: Framework, call: Accept): void {
  const { leader } = turn
  count(turn.state, 'accepts-of-lost-offers')
  for (const id of call.offers as OfferId[]) {
    const offer = leader.offers.get(id)
    if (offer === undefined || !framework.offers.has(id)) continue
    endOffer(turn, id, 'framework.gone')
    rememberDiscarded(leader, framework.key, offer)
  }
}

function drop(
  turn: LeaderTurn,
  framework: Framework,
  tasks: readonly TaskInfo[],
  { problem, agentId }: Unusable,
): void {
  for (const { taskId } of tasks) {
    sayStatus(turn, {
      framework,
      taskId,
      state: 'TASK_DROPPED',
      reason: 'INVALID_OFFERS',
      message: problem.slice(0, REFUSAL_LENGTH_MAX),
      agentId,
    })
  }
}

/**
 * False: a task of that id is there. An end said of that id would be taken for its, so the
 * framework hears how that one is instead, and the answer names the id.
 */
function isFree(
  turn: LeaderTurn,
  framework: Framework,
  { taskId }: TaskInfo,
  inUse: NotLaunched[],
): boolean {
  const task = framework.tasks.get(taskId)
  if (task === undefined) return true
  const { state, agentId } = task
  const how = isTerminal(state)
    ? `its ${state} on ${agentId} is not acknowledged yet`
    : `it is ${state} on ${agentId}`
  const message = `task id ${taskId} is in use: ${how}`
  inUse.push({ taskId, message })
  count(turn.state, 'task-ids-in-use')
  sendKnown(turn, framework, task, message)
  return false
}

interface Usable {
  readonly offers: readonly Offer[]
  readonly tasks: readonly TaskInfo[]
  /** Is filled with what was not launched because its id is in use. */
  readonly inUse: NotLaunched[]
}

function use(
  turn: LeaderTurn,
  framework: Framework,
  call: Accept,
  { offers, tasks, inUse }: Usable,
): void {
  const { leader } = turn
  const { agentId, role } = offers[0] as Offer
  const agent = leader.agents.get(agentId) as Agent
  const pool: ResourceBook = new Map()
  for (const offer of offers) {
    takeOffer(turn, offer)
    putInto(pool, offer.resources)
    rememberUsed(turn, offer.offerId)
  }
  const launches: { launch: Launch; task: TaskInfo }[] = []
  for (const info of tasks) {
    if (!isFree(turn, framework, info, inUse)) continue
    const valid = validateLaunch(leader, agent, { task: info, pool })
    if ('problem' in valid) {
      refuseTask(turn, framework, info, valid.problem)
      continue
    }
    const share = { framework, role, agent, resources: valid.wanted }
    launches.push({ launch: launch(turn, share, info), task: info })
  }
  const left = { framework, role, agent, resources: pool }
  giveBack(turn, left)
  addFilter(turn, { framework, role, agentId, resources: pool, refuseMs: call.refuseMs })
  memberOf(framework, role).isDeclinedLast = launches.length === 0
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

function refuseTask(
  turn: LeaderTurn,
  framework: Framework,
  { taskId }: TaskInfo,
  problem: string,
): void {
  count(turn.state, 'tasks-invalid')
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
  const task: Task = {
    framework,
    taskId: info.taskId,
    launch: id,
    agentId: agent.agentId,
    role,
    name: info.name,
    resources,
    state: 'TASK_STAGING',
    number: undefined,
    said: undefined,
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
