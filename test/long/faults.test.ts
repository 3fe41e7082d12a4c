/** All rows of the fault matrix, at rest. */
import { ROWS } from '../faults/rows.ts'
import { testRows } from '../support/fault-rows.ts'

testRows(
  ROWS.map(({ number }) => number),
  { isLoaded: false },
)
