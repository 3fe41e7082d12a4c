/** Six rows of the fault matrix that are soon over, under load; all: test/long and test/alone. */
import { testRows } from '../support/fault-rows.ts'

testRows([21, 4, 1, 11, 9, 34], { isLoaded: true })
