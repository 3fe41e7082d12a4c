/** All rows of the fault matrix. */
import { ROWS } from '../faults/rows.ts'
import { testRows } from '../support/fault-rows.ts'

testRows(ROWS.map(({ number }) => number))
