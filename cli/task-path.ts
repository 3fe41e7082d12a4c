/** `TASK[:PATH]`: a place in the sandbox of a task. */
import { wrongUse } from './exit-code.ts'
import { type WantedTask, wantedTask } from './find-task.ts'

export interface TaskPath {
  readonly wanted: WantedTask
  /** Relative to the sandbox, without `.` and empty names; empty: the sandbox itself. */
  readonly path: string
}

/** @throws {ClusterError} `cli/usage`. */
export function taskPath(text: string): TaskPath {
  const colon = text.indexOf(':')
  const task = colon < 0 ? text : text.slice(0, colon)
  const path = colon < 0 ? '' : text.slice(colon + 1)
  if (path.startsWith('/')) throw wrongUse(`"${path}": paths are relative to the sandbox`)
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  if (names.includes('..')) throw wrongUse(`"${path}": .. leads out of the sandbox`)
  return { wanted: wantedTask(task), path: names.join('/') }
}
