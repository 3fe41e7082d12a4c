/** Each kind of kill that this machine and this user allow; a weaker one stands in else. */
import test from 'ava'
import type { KillPlace } from './running.ts'
import { taskContract } from './task.ts'
import { togetherContract } from './together.ts'

const PLACES: readonly KillPlace[] = [
  { name: 'processes' },
  { name: 'processes in a pid namespace', isolation: 'pid-namespace' },
  { name: 'processes in a session', isolation: 'session' },
]

for (const place of PLACES) {
  taskContract(test, place)
  togetherContract(test, place)
}
