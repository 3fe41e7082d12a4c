/** A framework in a few lines. Outside of this repository, import from 'bourse/scheduler'. */
import { isTerminal, openScheduler } from '../actors/scheduler/scheduler.ts'

await using scheduler = await openScheduler({ name: 'hello' })
const statuses = scheduler.statuses()
for await (const offer of scheduler.offers()) {
  const hello = { command: 'echo hello', resources: { cpus: 0.1, mem: 32 } }
  const fits = offer.cpus >= 0.1 && offer.mem >= 32
  if (fits && (await offer.accept([hello])).outcome === 'done') break
  await offer.decline('too small for hello')
}
for await (const { taskId, state } of statuses) {
  console.log(`${taskId} is ${state}`)
  if (isTerminal(state)) break
}
await scheduler.teardown()
