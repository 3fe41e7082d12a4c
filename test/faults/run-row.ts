/** Runs rows, and says whether what was seen is what was expected. */
import type { Row, RowOutcome } from './row.ts'
import type { OpenStage } from './stage.ts'

/** One run of a row. */
export interface Run extends RowOutcome {
  /** Empty: all was as expected. */
  readonly problems: readonly string[]
  /** It took longer than stated, as a sentence; a machine that does other work is slow. */
  readonly late?: string
  /** Where its logs are; only of a run that was not survived, or whose files were asked for. */
  readonly folder?: string
}

/** Several runs of a row, in one of the two states of the cluster. */
export interface Report {
  readonly row: number
  readonly name: string
  readonly isLoaded: boolean
  readonly withinMs: number
  readonly runs: readonly Run[]
}

export const isGood = ({ runs }: Report): boolean => runs.length > 0 && runs.every(survived)

export const survived = ({ problems, late, missing }: Run): boolean =>
  problems.length === 0 && late === undefined && missing === undefined

/** Nothing is wrong, and nothing was shown. */
export const isUnmet = ({ problems, missing }: Run): boolean =>
  problems.length === 0 && missing !== undefined

/** Never throws: a run that failed has a problem. Nothing is done on the stage afterwards. */
export async function runRow(row: Row, stage: OpenStage): Promise<Run> {
  let run: Run
  try {
    const outcome = await row.run(stage)
    run = { ...outcome, ...judged(row, outcome) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const nothing = { recoveryMs: 0, lost: 0, doubled: 0, phantom: 0 }
    run = { ...nothing, note: 'it was not seen to its end', problems: [message] }
  }
  const atItsEnd = await stage.close()
  const whole = { ...run, problems: [...run.problems, ...atItsEnd] }
  const keep = stage.keepsFiles || !(survived(whole) || isUnmet(whole))
  stage.leave({ keep })
  return keep ? { ...whole, folder: stage.folder } : whole
}

function judged({ withinMs }: Row, outcome: RowOutcome): Pick<Run, 'problems' | 'late'> {
  const { recoveryMs, lost, doubled, phantom, problems = [] } = outcome
  const counted = Object.entries({ lost, doubled, phantom }).filter(([, count]) => count > 0)
  const late = `recovered in ${recoveryMs} ms, stated are ${withinMs} ms`
  return {
    problems: [...problems, ...counted.map(([what, count]) => `${what}: ${count}`)],
    ...(recoveryMs > withinMs && { late }),
  }
}

/** For people. */
export function linesOf({ fault, expected, invariants }: Row, report: Report): readonly string[] {
  const { row, name, isLoaded, withinMs, runs } = report
  return [
    `row ${row}, ${name}${isLoaded ? ', under load' : ''}: ${fault}`,
    `expected: ${expected} (${invariants.join(', ')})`,
    ...runs.flatMap(({ note, recoveryMs, lost, doubled, phantom, problems, ...run }) => [
      `seen: ${note}`,
      `recovered in ${recoveryMs} ms, stated are ${withinMs} ms`,
      `lost ${lost}, doubled ${doubled}, phantom ${phantom}`,
      ...problems.map((problem) => `WRONG: ${problem}`),
      ...(run.late === undefined ? [] : [`LATE: ${run.late}`]),
      ...(run.missing === undefined ? [] : [`MISSING: it needs ${run.missing}`]),
      ...(run.folder === undefined ? [] : [`logs: ${run.folder}`]),
    ]),
    `survived ${runs.filter(survived).length} of ${runs.length}`,
  ]
}
