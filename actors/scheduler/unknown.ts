/**
 * Tasks that nobody knows, not even their agents: these may be away, and come back with them. So
 * such a task never ends here. It is let go of: asked about by name no more, and its id is free.
 */
import { isLaterLaunch, type TaskId } from '../../protocol/ids.ts'
import { REREGISTER_MS } from '../../protocol/limits.ts'
import type { TaskStatus } from '../../protocol/schema/common.ts'
import type { Kill, SchedulerState } from './state.ts'
import type { Turn } from './turn.ts'

/** As long as a leader that knows an agent waits for it. */
const UNKNOWN_MS_MAX = REREGISTER_MS

/** The leader has answered so; the framework was told. */
export function onUnknown({ state, now, effects }: Turn, taskId: TaskId): void {
  const task = state.tasks.get(taskId)
  if (task === undefined) return
  task.unknownAtMs ??= now.monotonicMs
  task.isToldUnknown = true
  // Of one that nobody has ever spoken of we only know the name.
  const isNameOnly = task.state === 'TASK_UNKNOWN'
  if (!isNameOnly && now.monotonicMs < task.unknownAtMs + UNKNOWN_MS_MAX) return
  state.tasks.delete(taskId)
  if (!isNameOnly) state.hasLetGo = true
  const { kill, launch } = task
  if (kill !== undefined) state.kills.set(taskId, { ...kill, launch })
  effects.push({ do: 'tell-let-go', taskId })
}

/** It is back: was it to be killed? What another instance has started since was not. */
export function takeKill(
  { kills }: SchedulerState,
  { taskId, launch }: Pick<TaskStatus, 'taskId' | 'launch'>,
): Kill | undefined {
  const kill = kills.get(taskId)
  if (kill?.launch !== undefined && launch !== undefined && isLaterLaunch(launch, kill.launch))
    return undefined
  kills.delete(taskId)
  return kill
}
