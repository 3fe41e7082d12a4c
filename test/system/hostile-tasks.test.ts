/**
 * Tasks that mean harm, all at once, but for those that take all cores, as other tests run beside
 * this, or half a minute. test/long/hostile-tasks.test.ts has all of them, one by one, too.
 */
import { HOSTILE_TASKS } from '../hostile/cases.ts'
import { testHostile } from '../support/hostile-run.ts'

const HEAVY: ReadonlySet<string> = new Set(['fork-bomb', 'cpu-hog', 'port-thief'])
const tasks = HOSTILE_TASKS.filter(({ name }) => !HEAVY.has(name))

testHostile({ tasks, restMs: 500, only: 'together', timeoutMs: 90_000 })
