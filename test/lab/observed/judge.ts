/** What one task's end must be, by what was asked of it and what the machine shows. */
import type { Story, Task, Told } from './story.ts'

/** Something was done to an agent that may end its tasks: a reboot, a disk that was full. */
export interface Excuse {
  readonly agentId: string
  readonly fromMs: number
  readonly untilMs: number
}

/** What says by itself that a task did not begin. */
const NEVER_BEGUN: ReadonlySet<string> = new Set(['TASK_DROPPED', 'TASK_GONE', 'TASK_ERROR'])
/** What ends a task, and may do so before it has begun. */
const BEFORE_IT_BEGAN: ReadonlySet<string> = new Set(['TASK_FAILED', 'TASK_KILLED'])

export type Verdict =
  | { readonly kind: 'well' }
  /** It never began, and its framework was told so. */
  | { readonly kind: 'never-begun' }
  /** It ended by what was done to its agent. */
  | { readonly kind: 'excused' }
  | { readonly kind: 'broken'; readonly sentence: string }

/** Of a task whose framework was told its end. */
export function judge(story: Story, task: Task, excuses: readonly Excuse[]): Verdict {
  const { end, frameworkId, taskId, wasKilled } = task
  if (end === undefined) return { kind: 'well' }
  const who = `${frameworkId}/${taskId}`
  const how = `${end.state}${end.reason === undefined ? '' : ` (${end.reason})`}`
  const starts = story.starts(task)
  if (starts > 1) return broken(`I4: ${who} was started ${starts} times`)
  const isAskedFor =
    end.state === 'TASK_KILLED' &&
    (wasKilled || (isFor('GROUP_ENDED', end) && hasOtherEnded(story, task)))
  const isExcused = excuses.some(
    ({ agentId, fromMs, untilMs }) =>
      agentId === task.agentId && end.heardAtMs >= fromMs && task.launchedAtMs <= untilMs,
  )
  if (starts === 0) {
    // Of the agent: the leader has given more than is there. Of the leader: the offer was gone.
    if (end.reason === 'INVALID_OFFERS' && end.source === 'agent' && !isExcused)
      return broken(`I1: ${task.agentId} had no room for ${who}, which its leader had given it`)
    if (NEVER_BEGUN.has(end.state)) return { kind: 'never-begun' }
    return BEFORE_IT_BEGAN.has(end.state) && (isAskedFor || isExcused)
      ? { kind: 'never-begun' }
      : broken(`I3: ${who} was told ${how}, but it never began`)
  }
  if (isOwnEnd(story, task) || isAskedFor) return { kind: 'well' }
  if (isExcused) return { kind: 'excused' }
  return broken(`I5: ${who} began and was to end by itself (${task.ending}), but was told ${how}`)
}

/** A leader that is asked says how a task ended, and no more why. */
const isFor = (reason: string, { reason: told, source }: Told): boolean =>
  told === reason || (told === 'RECONCILIATION' && source === 'master')

/** Otherwise than by itself and well: then all of its group are killed. */
const hasOtherEnded = (story: Story, task: Task): boolean =>
  story
    .groupOf(task)
    .some((other) => other !== task && other.end !== undefined && !isFinished(other))

const isFinished = ({ end }: Task): boolean => end?.state === 'TASK_FINISHED'

function isOwnEnd(story: Story, task: Task): boolean {
  const { end, ending } = task
  if (end === undefined) return false
  if (ending === 'sick') return end.state === 'TASK_KILLED' && isFor('UNHEALTHY', end)
  if (!story.hasRunOut(task)) return false
  switch (ending) {
    case 'fails':
      return end.state === 'TASK_FAILED' && end.exit?.code === 3
    case 'crashes':
      return end.state === 'TASK_FAILED' && end.exit?.signal === 9
    default:
      return end.state === 'TASK_FINISHED'
  }
}

const broken = (sentence: string): Verdict => ({ kind: 'broken', sentence })
