/** Durations as people write and read them: `500ms`, `5s`, `10m`, `2h`, `3d`. */
import { type Refusal, refusal } from '../protocol/errors.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
}
/** What a duration on the wire may be at most. */
const DURATION_MS_MAX = 10 * 365 * DAY_MS

/** Whole milliseconds, at most ten years. `0` needs no unit. */
export function parseDuration(text: string): number | Refusal {
  if (text === '0') return 0
  const [, number, unit] = /^(\d{1,15}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? []
  if (number === undefined || unit === undefined)
    return refusal('invalid', `"${text}" is no duration like 500ms, 5s, 10m or 2h`)
  const ms = Math.round(Number(number) * (UNITS_MS[unit] as number))
  if (ms > DURATION_MS_MAX) return refusal('invalid', `"${text}" is longer than ten years`)
  return ms
}

/** At most two units, the smaller cut off: `850ms`, `5s`, `3m12s`, `2h5m`, `4d3h`. */
export function formatDuration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.max(0, Math.floor(ms))}ms`
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)}s`
  if (ms < HOUR_MS) return twoUnits(ms, [MINUTE_MS, 'm'], [SECOND_MS, 's'])
  if (ms < DAY_MS) return twoUnits(ms, [HOUR_MS, 'h'], [MINUTE_MS, 'm'])
  return twoUnits(ms, [DAY_MS, 'd'], [HOUR_MS, 'h'])
}

type Unit = readonly [ms: number, name: string]

function twoUnits(ms: number, [largeMs, large]: Unit, [smallMs, small]: Unit): string {
  const rest = Math.floor((ms % largeMs) / smallMs)
  return `${Math.floor(ms / largeMs)}${large}${rest === 0 ? '' : `${rest}${small}`}`
}
