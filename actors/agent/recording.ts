/**
 * While the checkpoint cannot be written: what happens to tasks is taken note of, and nothing of it
 * is told or done before it is written. The agent has no session, so nothing of it is offered; to
 * whatever a leader says it answers that it waits.
 */
import type { Launch } from '../../protocol/ids.ts'
import type { Now } from '../../protocol/now.ts'
import type { AgentOrders } from '../../protocol/schema/agent.ts'
import { compareFence } from '../parts/fence.ts'
import type { RecordingFailed } from './inputs.ts'
import { finish } from './kills.ts'
import { lookSoon } from './sandboxes.ts'
import { closeSession, openSession } from './session.ts'
import type { AgentState, Task } from './state.ts'
import { sendHead } from './streams.ts'

/** What was not launched never is: somebody else may have room for it. */
export function stopRecording(state: AgentState, failed: RecordingFailed, now: Now): void {
  const { outbox, tasks } = state
  state.cannotRecord = failed.why
  closeSession(state)
  // What can be removed makes room, maybe.
  lookSoon(state, now)
  const unlaunched = [...failed.unlaunched, ...outbox.launches.keys()]
    .map((launch: Launch) => tasks.get(launch))
    .filter((task) => task !== undefined)
  outbox.launches.clear()
  for (const task of unlaunched) task.container = 'none'
  const message = `the checkpoint of its agent cannot be written: ${failed.why}`
  const news = { state: 'TASK_DROPPED', reason: 'CHECKPOINT_FAILED', message } as const
  for (const task of unlaunched) finish(state, task, { news, now })
}

/** All statuses are told anew: nobody knows which of them were on their way. */
export function goOnRecording(state: AgentState, now: Now): void {
  state.cannotRecord = undefined
  for (const task of state.tasks.values()) if (task.stream.length > 0) sendHead(state, task)
  if (state.hasHeardLeader) openSession(state, now)
}

/**
 * A task that was never launched and of which nothing is written may be told of: were the agent to
 * forget it, it would say the same of it again.
 */
export function isTellable({ cannotRecord }: AgentState, { last }: Task): boolean {
  return cannotRecord === undefined || last?.reason === 'CHECKPOINT_FAILED'
}

/** The leader learns that it need not wait for an answer, nor give the agent up. */
export function answerWaiting(state: AgentState, message: AgentOrders): void {
  const { cannotRecord: why, highest, outbox } = state
  if (why === undefined || compareFence(highest, message) === 'lower') return
  state.hasHeardLeader = true
  if (outbox.strays.every(({ kind }) => kind !== 'waiting')) {
    outbox.strays.push({ kind: 'waiting', why })
  }
}
