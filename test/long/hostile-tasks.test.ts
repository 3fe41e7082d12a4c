/** Tasks that mean harm, one after another and then all at once. */
import { HOSTILE_TASKS } from '../hostile/cases.ts'
import { testHostile } from '../support/hostile-run.ts'

testHostile({ tasks: HOSTILE_TASKS, restMs: 2_000, timeoutMs: 300_000 })
