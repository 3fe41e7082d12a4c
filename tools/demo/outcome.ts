/** What a demo has shown. */
import type { Planned, Result } from '../../examples/word-count/report.ts'
import type { Kill } from './kills.ts'

export interface Outcome {
  readonly planned: Planned
  readonly result: Result
  readonly kills: readonly Kill[]
  /** Counted without the cluster. */
  readonly here: ReadonlyMap<string, number>
  /** The files were written to in between: what is counted twice need not be the same. */
  readonly isChanged: boolean
  /** A line each. */
  readonly leftBehind: readonly string[]
  readonly elapsedMs: number
}

/** Words that were counted differently, or by one side only. */
export function differences({ result, here }: Pick<Outcome, 'result' | 'here'>): readonly string[] {
  const there = new Map(result.counts)
  const words = new Set([...there.keys(), ...here.keys()])
  return [...words].filter((word) => there.get(word) !== here.get(word))
}

const SHOWN_MAX = 5

/** Sentences: what went wrong. None: all is well. */
export function faults(outcome: Outcome): readonly string[] {
  const different = differences(outcome)
  const { leftBehind, isChanged } = outcome
  const why = isChanged ? ' (the folder was written to in between)' : ''
  const shown = different.slice(0, SHOWN_MAX).join(', ')
  const more = different.length > SHOWN_MAX ? ' …' : ''
  const differ = `${different.length} words are not the same`
  return [
    ...(different.length > 0
      ? [`counted without the cluster, ${differ}${why}: ${shown}${more}`]
      : []),
    ...(leftBehind.length > 0 ? [`left behind: ${leftBehind.join('; ')}`] : []),
  ]
}
