/** Tasks that mean harm, all at once; test/long/hostile-tasks.test.ts has them one by one, too. */
import { HOSTILE_TASKS } from '../hostile/cases.ts'
import { testHostile } from '../support/hostile-run.ts'

testHostile({ tasks: HOSTILE_TASKS, restMs: 500, only: 'together', timeoutMs: 90_000 })
