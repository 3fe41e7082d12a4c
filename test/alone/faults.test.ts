/** The rows of the fault matrix for which a part of the machine must be idle, at rest. */
import { ROWS_ALONE, testRows } from '../support/fault-rows.ts'

testRows(ROWS_ALONE, { isLoaded: false })
