/** Whether an instance that did not finish is started again, and when. */
import type { TaskStatus } from '../../actors/scheduler/scheduler.ts'
import { type Refusal, refusal } from '../../protocol/errors.ts'
import type { TaskState } from '../../protocol/task-state.ts'

export interface RestartPolicy {
  /** Of each instance, in all. 0: never; Infinity: as often as it fails. */
  readonly restartsMax: number
}

export const NO_RESTARTS: RestartPolicy = { restartsMax: 0 }

const PAUSE_MS_MIN = 1_000
const PAUSE_MS_MAX = 60_000
/** Whatever ran for so long begins again with the shortest pause. */
const STEADY_MS = 10_000

/** `never`, `on-failure` or `on-failure:N`. */
export function parseRestart(text: string): RestartPolicy | Refusal {
  if (text === 'never') return NO_RESTARTS
  const [whole, times] = /^on-failure(?::([1-9]\d{0,5}))?$/.exec(text) ?? []
  if (whole !== undefined)
    return { restartsMax: times === undefined ? Number.POSITIVE_INFINITY : Number(times) }
  const shown = text.slice(0, 80)
  return refusal('invalid', `"${shown}" is none of never, on-failure or on-failure:N`)
}

/**
 * Ended so by itself, or with its agent. Not: killed, by whomever; refused by the leader, who would
 * refuse it again.
 */
const FAILED: ReadonlySet<TaskState> = new Set([
  'TASK_FAILED',
  'TASK_LOST',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
])

/** As shells and `env` say that there is no such program, or that it is none. */
const NO_PROGRAM_CODES: ReadonlySet<number | undefined> = new Set([126, 127])

export const couldNotStart = ({ reason, exit }: TaskStatus): boolean =>
  reason === 'LAUNCH_FAILED' || NO_PROGRAM_CODES.has(exit?.code)

/** Its own agent has killed it as its health checks failed: so it has failed, too. */
export const hasFailed = (state: TaskState, { reason }: Pick<TaskStatus, 'reason'>): boolean =>
  FAILED.has(state) || reason === 'UNHEALTHY'

/** `before`: the last pause; undefined: there was none. `ranMs`: how long the last attempt ran. */
export function nextPauseMs(before: number | undefined, ranMs: number): number {
  if (before === undefined || ranMs >= STEADY_MS) return PAUSE_MS_MIN
  return Math.min(before * 2, PAUSE_MS_MAX)
}
