/** The fault matrix of docs/reliability.md, from what was kept of each row. */
import type { Row } from './row.ts'

/** What was kept of a row, at rest or under load. */
export type Kept =
  | {
      readonly outcome: 'made'
      readonly runs: number
      readonly survived: number
      readonly worstMs: number
      readonly lost: number
      readonly doubled: number
      readonly phantom: number
      /** Of the last run. */
      readonly note: string
      readonly problems: readonly string[]
    }
  | { readonly outcome: 'missing'; readonly needs: readonly string[] }
  | { readonly outcome: 'failed'; readonly why: string }

export interface KeptRow {
  readonly commit: string
  readonly atRest: Kept
  readonly underLoad: Kept
}

/** By the row's number. */
export type KeptRows = Readonly<Record<string, KeptRow>>

const HEAD = [
  '| row | fault | expected | holds | within | at rest | under load | lost, doubled, phantom | commit |',
  '|---:|---|---|---|---:|---|---|---|---|',
]

/** One line for each row, then what was wrong, then what was seen last of each. */
export function tableOf(rows: readonly Row[], kept: KeptRows): string {
  const wrong = rows.flatMap((row) => wrongOf(row, kept[row.number]))
  const seen = rows.flatMap((row) => seenOf(row, kept[row.number]))
  return [
    ...HEAD,
    ...rows.map((row) => lineOf(row, kept[row.number])),
    ...(wrong.length > 0 ? ['', 'What was not as it should be:', '', ...wrong] : []),
    ...(seen.length > 0 ? ['', 'What was seen, in the last run of each:', '', ...seen] : []),
  ].join('\n')
}

function lineOf(row: Row, kept: KeptRow | undefined): string {
  const cells = [
    String(row.number),
    row.fault,
    row.expected,
    row.invariants.join(' '),
    inSeconds(row.withinMs),
    ...(kept === undefined
      ? ['not run', 'not run', '', '']
      : [shown(kept.atRest), shown(kept.underLoad), counts(kept), kept.commit]),
  ]
  return `| ${cells.join(' | ')} |`
}

function shown(kept: Kept): string {
  if (kept.outcome === 'missing') return 'not here'
  if (kept.outcome === 'failed') return '**failed**'
  const { runs, survived, worstMs } = kept
  const times = `${survived}/${runs}`
  return `${survived < runs ? `**${times}**` : times}, ${inSeconds(worstMs)}`
}

function counts({ atRest, underLoad }: KeptRow): string {
  const made = [atRest, underLoad].flatMap((one) => (one.outcome === 'made' ? [one] : []))
  const sum = (of: 'lost' | 'doubled' | 'phantom'): number =>
    made.reduce((all, one) => all + one[of], 0)
  return made.length === 0 ? '' : `${sum('lost')}, ${sum('doubled')}, ${sum('phantom')}`
}

const SECOND_MS = 1_000

const inSeconds = (ms: number): string => `${(ms / SECOND_MS).toFixed(ms < SECOND_MS ? 2 : 1)} s`

function wrongOf({ number }: Row, kept: KeptRow | undefined): readonly string[] {
  if (kept === undefined) return []
  const all: readonly (readonly [string, Kept])[] = [
    ['at rest', kept.atRest],
    ['under load', kept.underLoad],
  ]
  return all.flatMap(([when, one]) => {
    if (one.outcome === 'made')
      return one.problems.map((problem) => `- row ${number}, ${when}: ${problem}`)
    const why = one.outcome === 'failed' ? one.why : `this machine lacks ${one.needs.join(', ')}`
    return [`- row ${number}, ${when}: ${why}`]
  })
}

function seenOf({ number }: Row, kept: KeptRow | undefined): readonly string[] {
  const one = kept?.underLoad.outcome === 'made' ? kept.underLoad : kept?.atRest
  return one?.outcome === 'made' ? [`- row ${number}: ${one.note}`] : []
}

const BEGIN =
  '<!-- Made by `npm run fault -- table`; what stands up to the end mark is replaced. -->'
const END = '<!-- The end of the fault matrix. -->'

/** @throws when the page has not both marks. */
export function withTable(page: string, table: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`the page has no marks: ${BEGIN} … ${END}`)
  return `${page.slice(0, begin)}${BEGIN}\n\n${table}\n\n${page.slice(end)}`
}
