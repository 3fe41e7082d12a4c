/** What a task costs now, beside what it did: at the speed that the machine had then. */

/** CPU µs per task by process and `total`, and those of the floor of the same run. */
export interface Costs {
  readonly cpuUsPerTask: Readonly<Record<string, number>>
  readonly floorCpuUsPerTask: Readonly<Record<string, number>>
}

export interface Change {
  readonly process: string
  readonly wasUs: number
  /** At the speed of then. */
  readonly isUs: number
  readonly hasRisen: boolean
}

/** A rise of more is one. */
const RISE_MAX = 0.2
/** Smaller ones are noise, of processes that cost next to nothing. */
const NOISE_US = 1

/**
 * Machines differ: the floor tells how fast one is, so each figure is taken times
 * `floor then / floor now`. What disturbs only ever adds, so of several runs the least of each
 * figure counts, and the least of their floors: a disturbed floor would forgive a rise.
 * @throws when the baseline knows a process that the runs do not.
 */
export function changesSince(baseline: Costs, runs: readonly Costs[]): readonly Change[] {
  const nowFloorUs = Math.min(...runs.map((run) => totalOf(run.floorCpuUsPerTask)))
  const slower = nowFloorUs / totalOf(baseline.floorCpuUsPerTask)
  return Object.entries(baseline.cpuUsPerTask).map(([process, wasUs]) => {
    const nowUs = runs.map(({ cpuUsPerTask }) => {
      const one = cpuUsPerTask[process]
      if (one === undefined) throw new Error(`no run has a process ${process}`)
      return one
    })
    const isUs = Math.min(...nowUs) / slower
    const hasRisen = isUs > wasUs * (1 + RISE_MAX) && isUs > wasUs + NOISE_US
    return { process, wasUs, isUs, hasRisen }
  })
}

function totalOf({ total }: Readonly<Record<string, number>>): number {
  if (total === undefined) throw new Error('a run without its total')
  return total
}

/** The run in the middle, by what a task costs beside the floor: that one is kept. */
export function middleOf<Run extends Costs>(runs: readonly Run[]): Run {
  const cost = (run: Run): number => totalOf(run.cpuUsPerTask) / totalOf(run.floorCpuUsPerTask)
  const sorted = runs.toSorted((a, b) => cost(a) - cost(b))
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]
  if (middle === undefined) throw new Error('nothing was run')
  return middle
}

/** `master: 40.1 µs of CPU per task, 18 % more than 34.0 µs`. */
export function sentenceOf({ process, wasUs, isUs }: Change): string {
  const percent = Math.round((isUs / wasUs - 1) * 100)
  const by = `${Math.abs(percent)} % ${percent < 0 ? 'less' : 'more'}`
  return `${process}: ${isUs.toFixed(1)} µs of CPU per task, ${by} than ${wasUs.toFixed(1)} µs`
}
