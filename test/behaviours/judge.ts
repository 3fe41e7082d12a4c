/** What the results of tests say about behaviours. */
import { type Behaviour, reasonText, type Section, type TestName } from './behaviour.ts'
import type { TestResult } from './tap.ts'

/** `missing`: neither test nor reason. `reason`: no test, and that is why. */
export type Result = 'passed' | 'failed' | 'skipped' | 'missing' | 'reason'

export interface Judged {
  readonly section: string
  readonly number: number
  readonly sentence: string
  readonly result: Result
  readonly tests: readonly (TestName & { readonly result: TestResult })[]
  readonly reasons: readonly string[]
}

export type ResultOf = (test: TestName) => TestResult

export function judge(sections: readonly Section[], resultOf: ResultOf): readonly Judged[] {
  return sections.flatMap(({ title, numbers, behaviours }) =>
    numbers.map((number) => {
      const found = behaviours.find((behaviour) => behaviour.number === number)
      return judgeOne(title, found ?? nothingOf(number), resultOf)
    }),
  )
}

const nothingOf = (number: number): Behaviour => ({
  number,
  sentence: 'nothing is known of it',
  tests: [],
  reasons: [],
})

function judgeOne(section: string, behaviour: Behaviour, resultOf: ResultOf): Judged {
  const { number, sentence } = behaviour
  const tests = behaviour.tests.map((test) => ({ ...test, result: resultOf(test) }))
  const reasons = behaviour.reasons.map(reasonText)
  const results = tests.map(({ result }) => result)
  return { section, number, sentence, result: resultFrom(results, reasons), tests, reasons }
}

function resultFrom(results: readonly TestResult[], reasons: readonly string[]): Result {
  if (results.length === 0) return reasons.length === 0 ? 'missing' : 'reason'
  if (results.some((result) => result === 'failed' || result === 'absent')) return 'failed'
  return results.includes('skipped') ? 'skipped' : 'passed'
}

export type Counts = Readonly<Record<Result, number>>

export function countResults(judged: readonly Judged[]): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0, missing: 0, reason: 0 }
  for (const { result } of judged) counts[result] += 1
  return counts
}

/** Nothing failed, nothing is missing, and every test that is named is there. */
export const isGood = ({ failed, missing }: Counts): boolean => failed === 0 && missing === 0

/** For people. */
export function linesOf(judged: readonly Judged[]): readonly string[] {
  const lines: string[] = []
  let section: string | undefined
  for (const one of judged) {
    if (one.section !== section) lines.push('', one.section)
    section = one.section
    lines.push(`${String(one.number).padStart(4)}  ${one.result.padEnd(7)}  ${one.sentence}`)
    for (const { file, title, result } of one.tests) {
      const sign = result === 'passed' ? '' : ` (${result})`
      lines.push(`               test/${file}.test.ts: ${title}${sign}`)
    }
    for (const reason of one.reasons) lines.push(`               ${reason}`)
  }
  return [...lines.slice(1), '', tally(judged)]
}

function tally(judged: readonly Judged[]): string {
  const { passed, failed, skipped, missing, reason } = countResults(judged)
  const parts = `${passed} passed, ${failed} failed, ${skipped} skipped, ${missing} missing`
  return `${judged.length} behaviours: ${parts}, ${reason} with a reason instead of a test`
}
