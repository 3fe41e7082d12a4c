/**
 * `npm run runs`: what long runs of the simulator and of chaos have shown, as tables of
 * docs/reliability.md. A run is a line that `--log test/runs/simulate.jsonl`, or `chaos.jsonl`, has
 * appended; a wrong line is removed by hand.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { ChaosOutcome } from '../chaos/outcome.ts'

/** From the root of the project, where npm starts its scripts. */
const PAGE = 'docs/reliability.md'
const SIMULATIONS = 'test/runs/simulate.jsonl'
const CHAOS = 'test/runs/chaos.jsonl'
const BEGIN = '<!-- Made by `npm run runs`; what stands up to the end mark is replaced. -->'
const END = '<!-- The end of the long runs. -->'
const MINUTES_PER_HOUR = 60
const MS_PER_MINUTE = 60_000
const MS_PER_S = 1_000

interface Simulation {
  readonly commit: string
  readonly from: number
  readonly seeds: number
  readonly minutes: number
  readonly tookMs: number
  readonly failed: readonly number[]
}

type Chaos = ChaosOutcome & { readonly commit: string }

const page = readFileSync(PAGE, 'utf8')
const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
if (begin < 0 || end < begin) throw new Error(`${PAGE} has no marks: ${BEGIN} … ${END}`)
const text = [
  ...simulations(linesOf<Simulation>(SIMULATIONS)),
  '',
  ...chaos(linesOf<Chaos>(CHAOS)),
].join('\n')
writeFileSync(PAGE, `${page.slice(0, begin)}${BEGIN}\n\n${text}\n\n${page.slice(end)}`)

function linesOf<Line>(path: string): readonly Line[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line): Line => JSON.parse(line))
}

function simulations(runs: readonly Simulation[]): readonly string[] {
  const seeds = sum(runs, (run) => run.seeds)
  const hours = sum(runs, (run) => (run.seeds * run.minutes) / MINUTES_PER_HOUR)
  const failed = sum(runs, (run) => run.failed.length)
  return [
    '| simulated at | seeds | minutes each | simulated hours | failed | × real time |',
    '|---|---|---:|---:|---:|---:|',
    ...runs.map((run) =>
      row(
        run.commit,
        `${run.from}–${run.from + run.seeds - 1}`,
        run.minutes,
        Math.round((run.seeds * run.minutes) / MINUTES_PER_HOUR),
        run.failed.length,
        Math.round((run.seeds * run.minutes * MS_PER_MINUTE) / run.tookMs),
      ),
    ),
    row('**all**', seeds, '', Math.round(hours), failed, ''),
  ]
}

function chaos(runs: readonly Chaos[]): readonly string[] {
  return [
    '| chaos at | seed | minutes | servers | faults | slowest recovery | launched | began | lost | doubled | left behind | violations |',
    '|---|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|',
    ...runs.map((run) =>
      row(
        run.commit,
        run.seed,
        run.minutes,
        run.servers,
        run.faults,
        slowest(run),
        run.figures.launched,
        run.figures.started,
        run.figures.lost,
        run.figures.doubled,
        run.leftBehind.length,
        run.violations.length,
      ),
    ),
    row(
      '**all**',
      '',
      sum(runs, (run) => run.minutes),
      '',
      sum(runs, (run) => run.faults),
      '',
      sum(runs, (run) => run.figures.launched),
      sum(runs, (run) => run.figures.started),
      sum(runs, (run) => run.figures.lost),
      sum(runs, (run) => run.figures.doubled),
      sum(runs, (run) => run.leftBehind.length),
      sum(runs, (run) => run.violations.length),
    ),
  ]
}

/** Of all kinds, the one that took most of what is stated for it. */
function slowest({ kinds }: Chaos): string {
  const [worst] = Object.entries(kinds).toSorted(
    ([, a], [, b]) => b.worstMs / b.withinMs - a.worstMs / a.withinMs,
  )
  if (worst === undefined) return ''
  const [kind, { worstMs, withinMs }] = worst
  return `${kind}: ${(worstMs / MS_PER_S).toFixed(1)} s of ${withinMs / MS_PER_S} s`
}

function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
