/** From when on: a time, or how long ago. */
import { WrongValue } from './arguments.ts'
import { parseDuration } from './duration.ts'

/** `wallMs` is now. Gives a time in milliseconds; 0 for `all`. */
export type Since = (wallMs: number) => number

const TIME =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/

/** For commander: `1h`, `2026-11-21T10:00` in local time, or with a zone; `all`. */
export function since(text: string): Since {
  if (text === 'all') return () => 0
  if (TIME.test(text)) {
    // Without a time JavaScript would take it for UTC.
    const atMs = Date.parse(text.length === 10 ? `${text}T00:00` : text)
    if (!Number.isNaN(atMs)) return () => atMs
  }
  const ageMs = parseDuration(text)
  if (typeof ageMs === 'number') return (wallMs) => wallMs - ageMs
  throw new WrongValue('is not like 10m or 2h, no time like 2026-11-21T10:00, and not all')
}
