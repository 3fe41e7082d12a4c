/** What has become of tasks, as far as this leader knows. */
import { type Refusal, refusal } from '../../protocol/errors.ts'
import type { AgentId, Launch } from '../../protocol/ids.ts'
import { RECONCILED_TASKS_BURST, RECONCILED_TASKS_PER_S } from '../../protocol/limits.ts'
import type { Reconcile } from '../../protocol/schema/calls.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import type { Agent, Framework, Task } from './entities.ts'
import { answerAbout, fateOf, sendKnown, sendStatus } from './tasks.ts'
import type { LeaderTurn } from './turn.ts'

/** Tasks that are told of in one turn: a framework may have a million. */
const TOLD_PER_TURN = 2_000

/**
 * Without tasks: all that is known and not out of reach. Else each of them, if it can be said.
 * Refused: more than its principal may ask about in so short a time.
 */
export function reconcile(
  turn: LeaderTurn,
  framework: Framework,
  call: Reconcile,
): Refusal | undefined {
  const { principal, tasks } = framework
  const count = Math.min(call.tasks.length || tasks.size, RECONCILED_TASKS_BURST)
  if (!turn.leader.reconciled.take(principal, turn.now.monotonicMs, count)) {
    const most = `${principal} may ask about ${RECONCILED_TASKS_PER_S} tasks a second`
    return refusal('too-many', `${most}; these are ${count} more`)
  }
  if (call.tasks.length === 0) turn.leader.telling.set(framework.key, framework.tasks.values())
  for (const asked of call.tasks) reconcileTask(turn, framework, asked)
  return undefined
}

/** Goes on telling frameworks of all their tasks. */
export function tellSome(turn: LeaderTurn): void {
  const { frameworks, telling } = turn.leader
  let left = TOLD_PER_TURN
  for (const [key, tasks] of telling) {
    const framework = frameworks.get(key)
    while (left > 0) {
      const next = tasks.next()
      if (next.done || framework === undefined) break
      left -= 1
      if (next.value.state !== 'TASK_UNREACHABLE') answer(turn, next.value)
    }
    if (left === 0) return
    telling.delete(key)
  }
}

/** Of a task whose agent is not there any more its framework hears without asking. */
function answer(turn: LeaderTurn, task: Task): void {
  if (fateOf(turn, task) === undefined) answerAbout(turn, task)
}

type Asked = Reconcile['tasks'][number]

/** An earlier process of the framework acknowledged its end, and this one cannot know. */
function endedAs({ leader }: LeaderTurn, { key }: Framework, launch: Launch): Task | undefined {
  const task = leader.ended.get(launch)
  // One whose agent was forgotten may never have ended.
  return task?.framework.key === key && isTerminal(task.state) ? task : undefined
}

/** Silent while an agent that may have the task is not back: asking again finds out. */
export function reconcileTask(
  turn: LeaderTurn,
  framework: Framework,
  { taskId, agentId, launch }: Asked,
): void {
  const { leader } = turn
  const { tasks } = framework
  const ended = launch === undefined ? undefined : endedAs(turn, framework, launch)
  if (ended !== undefined) return sendKnown(turn, ended)
  const there = agentId === undefined ? undefined : tasks.at(agentId, taskId)
  const task = there ?? tasks.get(taskId)
  if (task !== undefined) return answer(turn, task)
  const isGone = agentId !== undefined && leader.gone.has(agentId)
  const agent = agentId === undefined || isGone ? undefined : leader.agents.get(agentId)
  const mayReturn =
    agent === undefined ? agentId === undefined && anyMayReturn(turn) : isAway(agent)
  if (mayReturn) return
  const at = { framework, taskId, agentId, reason: 'RECONCILIATION' } as const
  if (agent?.state === 'registered') {
    sendStatus(turn, { ...at, state: 'TASK_GONE', message: 'its agent does not have it' })
  } else if (agent?.state === 'unreachable') {
    const { unreachableAtMs } = agent
    sendStatus(turn, { ...at, state: 'TASK_UNREACHABLE', unreachableAtMs })
  } else if (isGone) {
    const message = 'an operator has said that its agent will not come back'
    sendStatus(turn, { ...at, state: 'TASK_GONE_BY_OPERATOR', message })
  } else {
    sendStatus(turn, { ...at, state: 'TASK_UNKNOWN', message: 'nobody knows this task' })
  }
}

/** That agent, or any where none is named, may come with a task that is not known here. */
export function mayBringTask({ leader }: LeaderTurn, agentId: AgentId | undefined): boolean {
  if (agentId === undefined) return true
  return leader.agents.get(agentId)?.state !== 'registered' && !leader.gone.has(agentId)
}

/** Who is not back yet may hold more of the framework's than this leader knows. */
export function awaitsMore({ leader }: LeaderTurn, { began }: Framework): boolean {
  return began === 'before' && leader.absent.size > 0
}

const isAway = ({ state }: Agent): boolean => state !== 'registered' && state !== 'unreachable'

const anyMayReturn = ({ leader }: LeaderTurn): boolean => leader.absent.size > leader.lost.size
