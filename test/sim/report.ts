/** What a batch says of its runs. */
import { plural } from '../../cli/plural.ts'
import { ALL_FAULTS } from './plan.ts'
import type { Outcome, Wanted } from './run-seed.ts'
import { describeStrike } from './strikes.ts'

/** A fault kind that is missing counts from this many seeds on: one run is too short for all. */
const SEEDS_FOR_ALL_FAULTS = 20
const MINUTE_MS = 60_000
const DEFAULT_MINUTES = 5

export interface Conclusion {
  readonly failed: readonly Outcome[]
  /** Kinds of faults that no run had, if there were enough runs. */
  readonly missing: readonly string[]
}

export function conclusion(outcomes: readonly Outcome[]): Conclusion {
  const faults = sumOf(outcomes)
  const isEnough = outcomes.length >= SEEDS_FOR_ALL_FAULTS
  return {
    failed: outcomes.filter(({ isOk }) => !isOk),
    missing: isEnough ? ALL_FAULTS.filter((kind) => (faults.get(kind) ?? 0) === 0) : [],
  }
}

/** The line that repeats a run. */
export function again({ seed, minutes, keep, chances }: Wanted): string {
  const words = [`npm run simulate -- --seed ${seed}`]
  if (minutes !== DEFAULT_MINUTES) words.push(`--minutes ${minutes}`)
  if (keep !== undefined) words.push(`--keep ${keep.join(',') || 'none'}`)
  if (chances !== undefined) words.push(`--chances ${chances.join(',') || 'none'}`)
  return words.join(' ')
}

/** One run, as a line; one that failed with all that is known of it. */
export function show(outcome: Outcome): readonly string[] {
  const { seed, violation, steps, tasks, started, changes, tookMs, hash, minutes } = outcome
  const what = violation === undefined ? 'ok' : 'FAILED'
  const speed = Math.round((minutes * MINUTE_MS) / tookMs)
  const line =
    `seed ${seed} ${what}: ${tasks} tasks, ${started} started, ${changes} changes, ` +
    `${steps} steps, ${tookMs} ms (${speed} × real time), trace ${hash}`
  if (violation === undefined) return [line]
  const { strikes, chances } = outcome
  return [
    line,
    `  invariant ${violation.invariant}`,
    `  at ${(violation.atMs / 1_000).toFixed(3)} s: ${violation.what}`,
    `  faults${strikes.length === 0 ? ': none' : ''}`,
    ...strikes.map((strike) => `    ${describeStrike(strike)}`),
    `  by chance: ${chances === undefined ? 'all' : chances.join(', ') || 'nothing'}`,
    '  how it came to that',
    ...violation.trace.map((step) => `    ${step}`),
    `  again: ${again(outcome)}`,
  ]
}

export interface Batch {
  /** As `commitHere` names it. */
  readonly commit: string
  readonly from: number
  readonly seeds: number
  readonly minutes: number
  readonly jobs: number
  readonly tookMs: number
}

/** How often each kind of fault happened, and what came of all. */
export function summary(outcomes: readonly Outcome[], batch: Batch): readonly string[] {
  const { failed, missing } = conclusion(outcomes)
  const kinds = [...sumOf(outcomes)].sort(([a], [b]) => (a < b ? -1 : 1))
  const busyMs = outcomes.reduce((sum, { tookMs }) => sum + tookMs, 0)
  const speed = (ms: number): number =>
    Math.round((outcomes.length * batch.minutes * MINUTE_MS) / ms)
  const { commit, jobs, tookMs, minutes } = batch
  return [
    'faults:',
    ...kinds.map(([kind, count]) => `  ${kind}: ${count}`),
    ...(missing.length > 0 ? [`never happened: ${missing.join(', ')}`] : []),
    ...failed.map((one) => `failed: ${again(one)}   (${one.violation?.invariant})`),
    `${outcomes.length - failed.length} passed, ${failed.length} failed: ` +
      `${outcomes.length} × ${minutes} minutes of commit ${commit}`,
    `${speed(tookMs)} × real time on ${plural(jobs, 'thread')}, ${speed(busyMs)} × each`,
  ]
}

function sumOf(all: readonly Outcome[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { faults } of all)
    for (const [kind, count] of Object.entries(faults))
      sums.set(kind, (sums.get(kind) ?? 0) + count)
  return sums
}
