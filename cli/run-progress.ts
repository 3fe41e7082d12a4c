/** What is said about a run: the live line, why it waits, how it ended. */
import type { InstanceView, RunResult } from '../frameworks/run/result.ts'
import { namesOf } from '../frameworks/run/silence.ts'
import type { SilentAgent } from '../frameworks/run/state.ts'
import { isTerminal } from '../protocol/task-state.ts'
import { whyOf } from './columns.ts'
import { formatDuration } from './duration.ts'
import { harmless } from './text.ts'

/** So many instances that did not finish are named. */
const NAMED_MAX = 10

/** In the order in which they are shown. */
const PHASES = [
  'waiting',
  'restarting',
  'starting',
  'running',
  'unreachable',
  'ending',
  'finished',
  'killed',
  'failed',
] as const
type Phase = (typeof PHASES)[number]

function phaseOf({ state }: InstanceView): Phase {
  switch (state) {
    case 'waiting':
    case 'restarting':
      return state
    case 'TASK_STAGING':
    case 'TASK_STARTING':
      return 'starting'
    case 'TASK_RUNNING':
      return 'running'
    case 'TASK_UNREACHABLE':
      return 'unreachable'
    case 'TASK_KILLING':
      return 'ending'
    case 'TASK_FINISHED':
      return 'finished'
    case 'TASK_KILLED':
      return 'killed'
    default:
      return 'failed'
  }
}

/** `5 waiting, 12 running, 3 finished`. */
function countsText(all: readonly InstanceView[]): string {
  const counts = new Map<Phase, number>()
  for (const view of all) counts.set(phaseOf(view), (counts.get(phaseOf(view)) ?? 0) + 1)
  return PHASES.flatMap((phase) => {
    const count = counts.get(phase)
    return count === undefined ? [] : [`${count} ${phase}`]
  }).join(', ')
}

export const progressLine = (all: readonly InstanceView[], elapsedMs: number): string =>
  `${countsText(all)}, ${formatDuration(elapsedMs)}`

export const stoppingText = (byHand: boolean): string =>
  byHand ? 'killing its tasks; Ctrl-C once more leaves at once' : 'killing its tasks'

/** It may have been heard of, though nobody has answered. */
export const callingOffText = (byHand: boolean): string =>
  `waiting for a leader to hear that this run is over${byHand ? '; Ctrl-C once more leaves at once' : ''}`

export const unledText = (why: string): string => `${why}; waiting for a leader`

/** Why nothing happens. */
export function silentText({ agentId, taskIds, replacedMs }: SilentAgent): string {
  const what = `agent ${agentId} does not answer: ${namesOf(taskIds)} may run on there`
  const isOne = taskIds.length === 1
  return replacedMs === undefined
    ? `${what}; ${isOne ? 'it is' : 'they are'} waited for`
    : `${what}; after ${formatDuration(replacedMs)} ${isOne ? 'it is' : 'they are'} started elsewhere`
}

/** Sentences for people, at the end. */
export function summaryLines(result: RunResult, elapsedMs: number): readonly string[] {
  const { frameworkId, instances, couldNotPlace } = result
  const notFinished = instances.filter((view) => ['killed', 'failed'].includes(phaseOf(view)))
  const named = notFinished.slice(0, NAMED_MAX).map((view) => statusText(frameworkId, view))
  const more = notFinished.length - named.length
  return [
    ...couldNotPlace,
    ...named,
    ...(more > 0 ? [`and ${more} more that did not finish`] : []),
    `${countsText(instances).replace('waiting', 'not placed')} after ${formatDuration(elapsedMs)}`,
    ...leftText(result),
  ].map(harmless)
}

/** What becomes of what may still run. */
function leftText({ instances, unheardEndMs }: RunResult): readonly string[] {
  if (unheardEndMs !== undefined) return instances.some(mayRun) ? [unheardText(unheardEndMs)] : []
  return instances.some(({ state }) => state === 'TASK_UNREACHABLE') ? [UNREACHABLE_TEXT] : []
}

const UNREACHABLE_TEXT =
  'what may still run on an agent that does not answer is killed when it is back'

const unheardText = (endMs: number): string =>
  `the leader did not hear of it: what still runs ends at most ${formatDuration(endMs)} after it last heard of this run`

export const mayRun = ({ state }: InstanceView): boolean =>
  state !== 'waiting' && state !== 'restarting' && !isTerminal(state)

/** The first word is what `bourse logs` and `bourse status` take. */
export function statusText(frameworkId: string, view: InstanceView): string {
  const { index, taskId, agentId, state, restarts = 0 } = view
  const which = taskId === undefined ? `instance ${index}` : `${frameworkId}/${taskId}`
  const where = agentId === undefined ? '' : ` on ${agentId}`
  const why = whyOf(view)
  const times =
    restarts === 0 ? '' : ` (restarted ${restarts === 1 ? 'once' : `${restarts} times`})`
  return `${which}${where}: ${state}${why === '' ? '' : `, ${why}`}${times}`
}
