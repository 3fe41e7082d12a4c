/** What was seen in a run, and whether it is as it should be. */
import type { HostileTask } from './case.ts'
import type { Latency } from './client.ts'

/** How one hostile task ended. */
export interface TaskEnd {
  readonly name: string
  readonly state: string
  readonly reason?: string
  readonly message?: string
  readonly tookMs: number
  /** It had not ended in time, and the watchdog of the run has killed it. */
  readonly isByWatchdog: boolean
  /** What is not as expected, one sentence each. */
  readonly problems: readonly string[]
}

/** What the neighbour's clients saw meanwhile. */
export interface Phase {
  readonly ends: readonly TaskEnd[]
  readonly latency: Latency
}

/** Not run: what is missing here. */
export interface Skipped {
  readonly name: string
  readonly why: string
}

export interface HostileOutcome {
  readonly isolators: readonly string[]
  /** What does not hold the run itself, a sentence each. */
  readonly uncaged: readonly string[]
  readonly before: Latency
  /** One task at a time. */
  readonly alone: readonly Phase[]
  /** All at once; absent: it was only one. */
  readonly together?: Phase
  readonly after: Latency
  readonly skipped: readonly Skipped[]
  /** What is wrong with the neighbour and its output, one sentence each. */
  readonly neighbour: readonly string[]
  /** A line each, of all kinds. */
  readonly leftBehind: readonly string[]
}

export const KINDS_LEFT = ['process', 'cgroup', 'mount', 'container', 'file', 'port'] as const

/** By kind: how many. */
export function countLeft(lines: readonly string[]): Readonly<Record<string, number>> {
  const count = (kind: string): number => lines.filter((one) => one.startsWith(`${kind} `)).length
  return Object.fromEntries(KINDS_LEFT.map((kind) => [kind, count(kind)]))
}

export function problemsOf(
  { ends }: HostileTask,
  { state, reason, message = '', isByWatchdog }: Omit<TaskEnd, 'problems' | 'name' | 'tookMs'>,
): readonly string[] {
  const problems: string[] = []
  if (isByWatchdog) problems.push('nobody but the watchdog ended it')
  if (state !== ends.state) problems.push(`it is ${state}, not ${ends.state}`)
  const isNamed = ends.reasons?.some((one) => one === reason) ?? true
  if (!isNamed) problems.push(`its reason is ${reason}, not ${ends.reasons?.join(' or ')}`)
  if (ends.says !== undefined && !ends.says.test(message))
    problems.push(`its sentence does not name the cause: “${message}”`)
  return problems
}

/** Empty: all is as it should be, but for times. */
export function wrongIn(outcome: HostileOutcome): readonly string[] {
  const { alone, together, before, after, neighbour, leftBehind } = outcome
  const phases = together === undefined ? alone : [...alone, together]
  const ends = phases.flatMap(({ ends: all }) => all)
  const unanswered = [before, after, ...phases.map(({ latency }) => latency)].reduce(
    (sum, one) => sum + one.unanswered,
    0,
  )
  return [
    ...ends.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`)),
    ...neighbour.map((problem) => `the neighbour: ${problem}`),
    ...(unanswered > 0 ? [`the neighbour: ${unanswered} questions were not answered`] : []),
    ...leftBehind.map((line) => `left behind: ${line}`),
  ]
}
