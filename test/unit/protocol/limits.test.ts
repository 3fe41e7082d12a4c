import test from 'ava'
import { encode } from '../../../bus/codec.ts'
import { check } from '../../../protocol/check.ts'
import { REFUSAL_CODES, refusal } from '../../../protocol/errors.ts'
import {
  ACCEPT_BYTES_MAX,
  ACCEPT_TASKS_MAX,
  LIST_BYTES_MAX,
  MESSAGE_BYTES_MAX,
} from '../../../protocol/limits.ts'
import { wireBytes } from '../../../protocol/wire-size.ts'

const RUN = 'ffffffffffffffff'
const BIG = Number.MAX_SAFE_INTEGER - 2 ** 20

/** The tasks of an accept that takes as many bytes and tasks as it may. */
function largestAccept(count: number) {
  const task = (i: number, shell: string) => ({
    taskId: `task-${i}`,
    resources: { cpus: 0.1 },
    command: { shell },
  })
  const fixed = wireBytes({
    offers: ['o'],
    operations: [{ kind: 'launch', tasks: Array.from({ length: count }, (_, i) => task(i, 'x')) }],
  })
  const more = Math.floor((ACCEPT_BYTES_MAX - fixed) / count) - 4
  return Array.from({ length: count }, (_, i) => task(i, 'x'.repeat(Math.max(1, more))))
}

for (const count of [ACCEPT_TASKS_MAX, 16]) {
  test(`the largest accept of ${count} tasks travels to the agent in one message`, (t) => {
    const tasks = largestAccept(count)
    const accept = { offers: ['o'], operations: [{ kind: 'launch', tasks }] }
    t.true(wireBytes(accept) <= ACCEPT_BYTES_MAX)
    t.true(wireBytes(accept) > ACCEPT_BYTES_MAX * 0.9)
    const run = {
      kind: 'run',
      principal: 'p'.repeat(64),
      frameworkId: 'f'.repeat(64),
      subscription: { epoch: BIG, count: BIG },
      role: 'r'.repeat(256),
      resourcesVersion: BIG,
      tasks: tasks.map((task) => ({ launch: `${BIG}-${RUN}-${BIG}`, task })),
    }
    t.true(wireBytes(run) <= LIST_BYTES_MAX, `${wireBytes(run)}`)
    const orders = { epoch: BIG, run: RUN, session: RUN, n: BIG, heard: BIG, orders: [run] }
    t.true(encode(orders).length <= MESSAGE_BYTES_MAX)
    t.true(check('AgentOrders', orders).ok)
  })
}

test('every refusal has its code', (t) => {
  for (const [name, code] of Object.entries(REFUSAL_CODES)) {
    const made = refusal(name as keyof typeof REFUSAL_CODES, 'why')
    t.deepEqual(made, { code, name: name as keyof typeof REFUSAL_CODES, message: 'why' })
    t.true(code >= 400 && code < 600)
  }
})
