/** A task as a framework's author writes it, and as it travels. */
import { type Refusal, refusal } from '../../protocol/errors.ts'
import { isToken, type TaskId } from '../../protocol/ids.ts'
import type { Command, TaskInfo, WantedResources } from '../../protocol/schema/common.ts'

export interface TaskWish {
  /** Unique among the framework's tasks that have not ended. Default: its name and 64 random bits. */
  readonly taskId?: string
  readonly name?: string
  /** A string goes to `/bin/sh -c`; a list is a program and its arguments. */
  readonly command: string | readonly string[]
  /** Beside what the agent sets: `BOURSE_TASK_ID`, `BOURSE_SANDBOX`, `PORT0` … */
  readonly env?: Readonly<Record<string, string>>
  /** Default: whoever the agent runs as. */
  readonly user?: string
  /** `{ cpus: 0.5, mem: 32 }` (MiB), or entries of the offer. */
  readonly resources: WantedResources
  /** From SIGTERM to SIGKILL. Default 3 s. */
  readonly killGraceMs?: number
  readonly labels?: Readonly<Record<string, string>>
}

/** `defaultId` is used when the wish names none. */
export function taskOf(wish: TaskWish, defaultId: string): TaskInfo | Refusal {
  const { taskId = defaultId, name, resources, killGraceMs, labels } = wish
  if (!isToken(taskId))
    return refusal('invalid', `task id "${taskId}" is not 1 to 64 letters, digits, _ or -`)
  return {
    taskId: taskId as TaskId,
    resources,
    command: commandOf(wish),
    ...(name !== undefined && { name }),
    ...(killGraceMs !== undefined && { killGraceMs }),
    ...(labels !== undefined && { labels: { ...labels } }),
  }
}

function commandOf({ command, env, user }: TaskWish): Command {
  return {
    ...(typeof command === 'string' ? { shell: command } : { argv: [...command] }),
    ...(env !== undefined && { env: { ...env } }),
    ...(user !== undefined && { user }),
  }
}
