/** All rows of the fault matrix, by number. */
import type { Row } from './row.ts'

const ALL: readonly Row[] = []

export const ROWS: readonly Row[] = [...ALL].sort((a, b) => a.number - b.number)

/** By number or name. */
export const rowOf = (word: string): Row | undefined =>
  ROWS.find(({ number, name }) => String(number) === word || name === word)
