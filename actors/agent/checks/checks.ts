/** The deadlines of a task's checks. */
import type { AgentState, Task } from '../state.ts'
import type { CheckKind } from './asked.ts'

export const KINDS = ['health-check', 'check'] as const

export const keyOf = (which: CheckKind | 'completion', { launch }: Task): string =>
  `${which} ${launch}`

/** It is killed, or over. What a run that is still on its way says is not listened to. */
export function endChecks(state: AgentState, task: Task): void {
  if (task.checks === undefined) return
  for (const which of [...KINDS, 'completion' as const]) state.deadlines.clear(keyOf(which, task))
}
