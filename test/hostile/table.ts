/** The table of docs/isolation.md, from what was seen in one run. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { commitHere } from '../../tools/commit.ts'
import { hostileTaskOf } from './cases.ts'
import type { Latency } from './client.ts'
import { countLeft, type HostileOutcome, type Phase, wrongIn } from './outcome.ts'

/** From the root of the project, where npm starts its scripts. */
const PAGE = 'docs/isolation.md'
const BEGIN =
  '<!-- Made by `npm run hostile -- table`; what stands up to the end mark is replaced. -->'
const END = '<!-- The end of the hostile tasks. -->'
const GIB = 1024 ** 3

/** @throws when the page has not both marks. */
export function remakeTable(outcome: HostileOutcome): void {
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : ''
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no marks: ${BEGIN} … ${END}`)
  const table = tableOf(outcome).join('\n')
  writeFileSync(PAGE, `${page.slice(0, begin)}${BEGIN}\n\n${table}\n\n${page.slice(end)}`)
}

function tableOf(outcome: HostileOutcome): readonly string[] {
  const { before, after, alone, together, skipped, isolators, leftBehind } = outcome
  const left = Object.entries(countLeft(leftBehind)).map(([kind, count]) => `${kind} ${count}`)
  const rows = alone.map((phase) => taskRow(phase))
  return [
    `Commit ${commitHere()}, ${cpus().length} cores, ${Math.round(totalmem() / GIB)} GiB; tasks are held by ${isolators.join(', ')}.`,
    '',
    '| beside the neighbour | it ends as | after | and says | p50 | p99 | most |',
    '|---|---|---:|---|---:|---:|---:|',
    `| nobody, before |  |  |  | ${times(before)} |`,
    ...rows,
    ...(together === undefined ? [] : [`| all at once |  |  |  | ${times(together.latency)} |`]),
    `| nobody, after |  |  |  | ${times(after)} |`,
    ...skipped.map(({ name, why }) => `| ${doing(name)} | not run: ${why} |  |  |  |  |  |`),
    '',
    `Questions that the neighbour did not answer: ${unansweredIn(outcome)} of ${askedIn(outcome)}. Left behind: ${leftBehind.length} (${left.join(', ')}).`,
    ...wrongIn(outcome).flatMap((problem) => ['', `Not as it should be: ${problem}.`]),
  ]
}

function taskRow({ ends: [end], latency }: Phase): string {
  if (end === undefined) return ''
  const { name, state, reason, message = '', tookMs } = end
  const seconds = `${(tookMs / 1_000).toFixed(1)} s`
  const how = reason === undefined ? state : `${state}, ${reason}`
  return `| ${doing(name)} | ${how} | ${seconds} | ${message} | ${times(latency)} |`
}

const doing = (name: string): string => `${name}: ${hostileTaskOf(name)?.does ?? ''}`

const times = ({ p50Ms, p99Ms, maxMs }: Latency): string =>
  [p50Ms, p99Ms, maxMs].map((ms) => `${ms.toFixed(1)} ms`).join(' | ')

const latenciesIn = ({ before, after, alone, together }: HostileOutcome): readonly Latency[] => [
  before,
  ...alone.map(({ latency }) => latency),
  ...(together === undefined ? [] : [together.latency]),
  after,
]

const askedIn = (outcome: HostileOutcome): number =>
  latenciesIn(outcome).reduce((sum, { asked }) => sum + asked, 0)

const unansweredIn = (outcome: HostileOutcome): number =>
  latenciesIn(outcome).reduce((sum, { unanswered }) => sum + unanswered, 0)
