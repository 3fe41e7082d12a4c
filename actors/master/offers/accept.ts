/** Accept: offers of one agent and role become launches; what is left counts as declined. */
import { type Refusal, refusal } from '../../../protocol/errors.ts'
import type { OfferId } from '../../../protocol/ids.ts'
import {
  ACCEPT_BYTES_MAX,
  ACCEPT_TASKS_MAX,
  NOT_LAUNCHED_MAX,
  REFUSAL_LENGTH_MAX,
  TASK_BYTES_MAX,
} from '../../../protocol/limits.ts'
import { putInto, type ResourceBook } from '../../../protocol/resources.ts'
import type { Accept, AcceptAnswer, NotLaunched } from '../../../protocol/schema/calls.ts'
import type { TaskInfo } from '../../../protocol/schema/common.ts'
import { wireBytes } from '../../../protocol/wire-size.ts'
import { order } from '../agents/agents.ts'
import { giveBack, memberOf } from '../books.ts'
import type { Agent, Framework, Offer, Task } from '../entities.ts'
import { noteDecline, noteLaunch } from '../frameworks/lateness.ts'
import { tellWorld } from '../public-events.ts'
import { count } from '../state.ts'
import { sayStatus, tellLaunched } from '../tasks.ts'
import type { LeaderTurn } from '../turn.ts'
import { rememberDiscarded, rememberUsed } from './fates.ts'
import { addFilter } from './filters.ts'
import { judgeOffers, type Unusable } from './judgement.ts'
import { isFree, operate, type Using } from './launching.ts'
import { endOffer, takeOffer } from './offers.ts'

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
  const tooLarge = refusalOfSize(call, bytes)
  if (tooLarge !== undefined) return tooLarge
  const judged = judgeOffers(turn, framework, call)
  if ('code' in judged) return judged
  const inUse =
    'problem' in judged ? drop(turn, framework, call, judged) : use(turn, framework, call, judged)
  return inUse.length === 0 ? {} : { notLaunched: inUse.slice(0, NOT_LAUNCHED_MAX) }
}

const tasksOf = ({ operations }: Accept): readonly TaskInfo[] =>
  operations.flatMap(({ tasks }) => tasks)

function refusalOfSize(call: Accept, bytes = Number.POSITIVE_INFINITY): Refusal | undefined {
  const tasks = tasksOf(call)
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

/** Nothing is launched. */
function drop(
  turn: LeaderTurn,
  framework: Framework,
  call: Accept,
  { problem, agentId }: Unusable,
): readonly NotLaunched[] {
  const inUse: NotLaunched[] = []
  const fresh = tasksOf(call).filter((task) => isFree(turn, framework, task, inUse))
  discard(turn, framework, call)
  for (const { taskId } of fresh) {
    sayStatus(turn, {
      framework,
      taskId,
      state: 'TASK_DROPPED',
      reason: 'INVALID_OFFERS',
      message: problem.slice(0, REFUSAL_LENGTH_MAX),
      agentId,
    })
  }
  return inUse
}

/** All offers are used; what their operations leave over counts as declined. */
function use(
  turn: LeaderTurn,
  framework: Framework,
  call: Accept,
  offers: readonly Offer[],
): readonly NotLaunched[] {
  const { leader } = turn
  const { agentId, role } = offers[0] as Offer
  const agent = leader.agents.get(agentId) as Agent
  const pool: ResourceBook = new Map()
  for (const offer of offers) {
    takeOffer(turn, offer)
    putInto(pool, offer.resources)
    rememberUsed(turn, offer.offerId)
  }
  const using: Using = { framework, role, agent, pool, launched: [], inUse: [] }
  for (const operation of call.operations) operate(turn, using, operation)
  giveBack(turn, { framework, role, agent, resources: pool })
  addFilter(turn, { framework, role, agentId, resources: pool, refuseMs: call.refuseMs })
  const member = memberOf(framework, role)
  if (using.launched.length > 0) noteLaunch(member)
  else noteDecline(turn, { framework, name: role, member }, {})
  start(turn, using, offers)
  return using.inUse
}

/** Sends what was launched to its agent, in one order, and tells the world. */
function start(
  turn: LeaderTurn,
  { framework, role, agent, launched }: Using,
  offers: readonly Offer[],
): void {
  const { subscription, principal, frameworkId } = framework
  if (launched.length === 0 || subscription === undefined) return
  order(turn, agent, {
    kind: 'run',
    principal,
    frameworkId,
    subscription,
    role,
    resourcesVersion: agent.info?.resourcesVersion ?? 0,
    tasks: launched,
  })
  const { agentId } = agent
  const used = { agentId, offers: offers.map(({ offerId }) => offerId), tasks: launched.length }
  tellWorld(turn, { kind: 'offer', what: 'accepted', framework }, used)
  for (const { task } of launched)
    tellLaunched(turn, framework, framework.tasks.get(task.taskId) as Task)
}
