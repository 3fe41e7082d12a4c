/** A framework in ten lines. Outside of this repository, import from 'bourse/scheduler'. */
import { openScheduler } from '../actors/scheduler/scheduler.ts'

const scheduler = await openScheduler({ name: 'hello' })
const task = { taskId: 'hello', command: 'echo hello, world', resources: { cpus: 0.1, mem: 32 } }
const statuses = scheduler.statuses('hello')
for await (const offer of scheduler.offers()) {
  if (offer.roomFor(task.resources) > 0 && (await offer.accept([task])).outcome !== 'refused') break
  await offer.decline('too small for hello')
}
for await (const { data } of scheduler.readOutput({ taskId: 'hello' })) process.stdout.write(data)
for await (const { state } of statuses) console.log(state)
await scheduler.teardown()
