/** The end of a framework: its tasks are killed, its streams dropped, nobody is told of them. */
import type { FrameworkKey } from '../../protocol/ids.ts'
import { KILL_GRACE_MS } from '../../protocol/limits.ts'
import type { Now } from '../../protocol/now.ts'
import { confirmTornDown, findFramework, forgetTask, recordFramework } from './held.ts'
import { killTask } from './kills.ts'
import type { AgentState, Task } from './state.ts'

/**
 * May be repeated. The leader is told when nothing is left, now or when the last task has ended.
 */
export function tearDown(state: AgentState, key: FrameworkKey, now: Now): void {
  const framework = findFramework(state, key)
  if (framework === undefined || framework.tasks.size === 0) {
    confirmTornDown(state, key)
    return
  }
  if (framework.isOver) return
  framework.isOver = true
  recordFramework(state, framework)
  for (const task of framework.tasks.values()) tearDownTask(state, task, now)
}

/** Also after a restart, for what is left of a framework that was torn down before. */
export function tearDownTask(state: AgentState, task: Task, now: Now): void {
  task.stream = []
  state.inFlight.delete(task)
  state.outbox.heads.delete(task)
  if (task.container === 'none' || task.container === 'ended') forgetTask(state, task)
  else killTask(state, task, { graceMs: task.killGraceMs ?? KILL_GRACE_MS, now })
}
