/** The rows of the fault matrix, at rest, but for those in `test/alone/`. */
import { ROWS } from '../faults/rows.ts'
import { ROWS_ALONE, testRows } from '../support/fault-rows.ts'

testRows(
  ROWS.map(({ number }) => number).filter((number) => !ROWS_ALONE.includes(number)),
  { isLoaded: false },
)
