/**
 * A framework for tests that never has enough: one task for each offer, the rest given back at
 * once, until it is killed. Tells each task that starts on stdout, by its id.
 *
 * `hungry-framework NAME ROLE CPUS MEM [MS [in-turn]]`. Where its task does not fit, it waits for
 * others. Tasks last for about MS, or for ever. Who takes in turn says `asks` before each task and
 * waits for a line on stdin, then `taken` when the leader knows that it wants more.
 */
import { createInterface } from 'node:readline'
import { openScheduler } from '../../actors/scheduler/scheduler.ts'

const [name = '', role = '*', cpus = '1', mem = '32', ms = 'Infinity', turn] = process.argv.slice(2)
const each = { cpus: Number(cpus), mem: Number(mem) }
const NOTHING_HERE_MS = 3_600_000
const turns =
  turn === 'in-turn' ? createInterface({ input: process.stdin })[Symbol.asyncIterator]() : undefined

const scheduler = await openScheduler({ name, frameworkId: name, roles: [role] })
scheduler.onStatus(({ taskId, state }) => {
  if (state === 'TASK_RUNNING') process.stdout.write(`${taskId}\n`)
})
process.stdout.write('ready\n')

let count = 0
for await (const offer of scheduler.offers()) {
  if (offer.roomFor(each) === 0) {
    void offer.decline('my task does not fit', { refuseMs: NOTHING_HERE_MS })
    continue
  }
  if (turns !== undefined) {
    process.stdout.write('asks\n')
    if ((await turns.next()).done) process.exit()
  }
  count += 1
  const taskId = `${name}-${count}`
  // They do not all end together.
  const env = { PRETEND_MS: String(Number(ms) * (1 + (count % 10) / 10)) }
  void offer.accept([{ taskId, command: 'true', env, resources: each }], { refuseMs: 0 })
  // In the same breath: what is left may come back to this one, if it is next.
  scheduler.revive()
  if (turns !== undefined) {
    // Answered after the revive: changes of what is wanted go one by one.
    await scheduler.update({})
    process.stdout.write('taken\n')
  }
}
