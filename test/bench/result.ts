/** What a scenario has measured, and where: a figure without that is worth nothing. */
import { cpus, totalmem } from 'node:os'
import { commitHere } from '../../tools/commit.ts'

const MIB = 1_048_576

/** A number, or numbers by process. */
export type Figure = number | Readonly<Record<string, number>>

/** Something that was counted, and what it must be. */
export interface Count {
  readonly is: number
  readonly mustBe: number
}

/** What was done in a run, and how long it took. */
interface Timed {
  readonly tasks: number
  readonly elapsedMs: number
}

export const perSecond = ({ tasks, elapsedMs }: Timed): number =>
  Math.round((tasks / elapsedMs) * 1_000)

export const round = (value: number, digits: number): number => Number(value.toFixed(digits))

/** The value below which `share` (0 to 1) of them lie, in thousandths; 0 of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = Math.min(sorted.length - 1, Math.floor(sorted.length * share))
  return round(sorted[at] ?? 0, 3)
}

export interface Measured {
  readonly settings: Readonly<Record<string, number | string>>
  readonly counts: Readonly<Record<string, Count>>
  readonly figures: Readonly<Record<string, Figure>>
}

export interface Result extends Measured {
  readonly scenario: string
  readonly machine: Readonly<Record<string, number | string>>
  /** As `commitHere` names it. */
  readonly commit: string
}

/** @throws when the counts do not add up: then the figures are of something else. */
export function resultOf(scenario: string, measured: Measured): Result {
  const wrong = Object.entries(measured.counts).filter(([, { is, mustBe }]) => is !== mustBe)
  if (wrong.length > 0) {
    const all = wrong.map(([name, { is, mustBe }]) => `${name}: ${is}, not ${mustBe}`)
    throw new Error(`the counts of ${scenario} do not add up: ${all.join('; ')}`)
  }
  return { scenario, machine: machine(), commit: commitHere(), ...measured }
}

function machine(): Result['machine'] {
  const all = cpus()
  return {
    cores: all.length,
    cpu: all[0]?.model.trim() ?? 'unknown',
    memoryMiB: Math.round(totalmem() / MIB),
    node: process.version,
  }
}

/** For people: one line for each figure. */
export function linesOf({ scenario, settings, counts, figures, commit }: Result): string[] {
  const said = (values: Readonly<Record<string, unknown>>): string =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ')
  const width = Math.max(...Object.keys(figures).map(({ length }) => length))
  return [
    `${scenario} (${commit}): ${said(settings)}`,
    ...Object.entries(figures).map(([name, figure]) => {
      const text = typeof figure === 'number' ? String(figure) : said(figure)
      return `  ${name.padEnd(width)}  ${text}`
    }),
    `  counted: ${said(Object.fromEntries(Object.entries(counts).map(([name, { is }]) => [name, is])))}`,
  ]
}
