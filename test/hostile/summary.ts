/** How a run is told to people; its last lines are what one looks for. */
import type { Latency } from './client.ts'
import { countLeft, type HostileOutcome, type Phase, wrongIn } from './outcome.ts'

export function summary(outcome: HostileOutcome): readonly string[] {
  const { before, after, alone, together, skipped, isolators, uncaged, leftBehind } = outcome
  const wrong = wrongIn(outcome)
  return [
    `what tasks are held by: ${isolators.join(', ')}`,
    ...uncaged,
    ...skipped.map(({ name, why }) => `skipped: ${name}, ${why}`),
    latencyLine('before', before),
    ...alone.flatMap((phase) => phaseLines(phase.ends[0]?.name ?? '', phase)),
    ...(together === undefined ? [] : phaseLines('all at once', together)),
    latencyLine('after', after),
    ...wrong.map((problem) => `WRONG: ${problem}`),
    `left behind: ${leftBehind.length} (${countsOf(leftBehind)})`,
  ]
}

const WIDTH = 16

const latencyLine = (what: string, { p50Ms, p99Ms, maxMs, asked, unanswered }: Latency): string =>
  `${what.padEnd(WIDTH)} the neighbour answers in p50 ${shown(p50Ms)}, p99 ${shown(p99Ms)}, ` +
  `at most ${shown(maxMs)} (${asked} questions, ${unanswered} unanswered)`

const phaseLines = (what: string, { ends, latency }: Phase): readonly string[] => [
  latencyLine(what, latency),
  ...ends.map(
    ({ name, state, reason, message, tookMs }) =>
      `${''.padEnd(WIDTH)} ${name}: ${state} ${reason ?? ''} after ${tookMs} ms: ${message ?? ''}`,
  ),
]

const shown = (ms: number): string => `${ms.toFixed(1)} ms`

const countsOf = (lines: readonly string[]): string =>
  Object.entries(countLeft(lines))
    .map(([kind, count]) => `${PLURAL[kind] ?? kind} ${count}`)
    .join(', ')

const PLURAL: Readonly<Record<string, string>> = {
  process: 'processes',
  cgroup: 'cgroups',
  mount: 'mounts',
  container: 'containers',
  file: 'files',
  port: 'ports',
}
