/** The table of docs/performance.md, from what was kept of each run. */
import type { Result } from '../result.ts'
import type { Aim, Row } from './rows.ts'

/** What was kept of a run: what it has measured, or why it has not. */
export type Kept =
  | { readonly outcome: 'measured'; readonly date: string; readonly result: Result }
  | { readonly outcome: 'missing' | 'failed'; readonly date: string; readonly why: string }

export type KeptRuns = Readonly<Record<string, Kept>>

const HEAD = [
  '| what | figure | aim | | floor | peer | times better | run |',
  '|---|---:|---:|---|---:|---:|---:|---|',
]

/** One line for each row, then one for each run: where and how it was made. */
export function tableOf(rows: readonly Row[], kept: KeptRuns): string {
  const runs = Object.entries(kept).map(([name, run]) => `- \`${name}\`: ${madeBy(run)}`)
  return [...HEAD, ...rows.map((row) => lineOf(row, kept[row.run])), '', ...runs].join('\n')
}

function lineOf(row: Row, kept: Kept | undefined): string {
  const cells = (...texts: readonly string[]): string => `| ${texts.join(' | ')} |`
  const aim = row.aim === undefined ? '' : aimOf(row.aim, row.unit)
  const nothing = (why: string): string => cells(row.what, '–', aim, why, '', '', '', row.run)
  if (kept === undefined) return nothing('not run')
  if (kept.outcome !== 'measured')
    return nothing(kept.outcome === 'missing' ? 'not here' : 'failed')
  const { result } = kept
  const figure = found(result, row.figure)
  if (figure === undefined) return nothing(`no figure ${row.figure}`)
  const over = row.over === undefined ? 1 : found(result, row.over)
  if (over === undefined) return nothing(`no figure ${row.over}`)
  const value = (figure * (row.times ?? 1)) / over
  const optional = (path: string | undefined): string => {
    const other = path === undefined ? undefined : found(result, path)
    return other === undefined ? '' : quantity(other, row.unit)
  }
  return cells(
    row.what,
    quantity(value, row.unit),
    aim,
    row.aim === undefined ? '' : verdict(value, row.aim),
    optional(row.floor),
    optional(row.peer),
    row.ratio === undefined ? '' : ratioOf(result, row.ratio),
    row.run,
  )
}

const quantity = (value: number, unit: string): string => `${spoken(value)} ${unit}`.trim()

const aimOf = (aim: Aim, unit: string): string =>
  'least' in aim ? `≥ ${quantity(aim.least, unit)}` : `≤ ${quantity(aim.most, unit)}`

/** `met`, or by how much of the aim it is missed. */
export function verdict(value: number, aim: Aim): string {
  const [by, of] = 'least' in aim ? [aim.least - value, aim.least] : [value - aim.most, aim.most]
  if (by <= 0) return 'met'
  if ('most' in aim && of > 0 && by > of) return `**missed: ${spoken(value / of)} times the aim**`
  return `**missed by ${Math.max(1, Math.round((by / of) * 100))} %**`
}

function ratioOf(result: Result, path: string): string {
  const [median, min, max] = ['', 'Min', 'Max'].map((end) => found(result, `${path}${end}`))
  if (median === undefined || min === undefined || max === undefined) return ''
  return `${spoken(median)} (${spoken(min)}–${spoken(max)})`
}

const LACK = 'counts:'

/** Names of figures may have dots, too: what stands behind the last one may be a part. */
function found({ figures, counts }: Result, path: string): number | undefined {
  if (path.startsWith(LACK)) {
    const count = counts[path.slice(LACK.length)]
    return count && count.mustBe - count.is
  }
  const whole = figures[path]
  if (typeof whole === 'number') return whole
  const dot = path.lastIndexOf('.')
  const parts = figures[path.slice(0, dot)]
  return typeof parts === 'object' ? parts[path.slice(dot + 1)] : undefined
}

function madeBy(kept: Kept): string {
  if (kept.outcome !== 'measured') return `${kept.outcome}, ${kept.date}: ${kept.why}`
  const { commit, machine, settings } = kept.result
  const said = (values: Readonly<Record<string, unknown>>): string =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ')
  return `commit ${commit}, ${kept.date}; ${said(settings)}; machine: ${said(machine)}`
}

const DIGITS = 3

/** Three digits, thousands apart. */
export function spoken(value: number): string {
  const [digits = '', fraction] = String(Number(value.toPrecision(DIGITS))).split('.')
  const apart = digits.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? apart : `${apart}.${fraction}`
}

const BEGIN =
  '<!-- Made by `npm run bench -- table`; what stands up to the end mark is replaced. -->'
const END = '<!-- The end of what is made. -->'

/** @throws when the page has not both marks. */
export function withTable(page: string, table: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`the page has no marks: ${BEGIN} … ${END}`)
  return `${page.slice(0, begin)}${BEGIN}\n\n${table}\n\n${page.slice(end)}`
}
