/**
 * Many frameworks for tests that want whatever there is and use none of it, in one process.
 *
 * `impolite-frameworks COUNT`. A third declines everything at once, a third holds it, a third
 * declines and revives in the same breath. Says `ready` when all have subscribed.
 */
import { type Offered, openScheduler, type Scheduler } from '../../actors/scheduler/scheduler.ts'

type Manner = (scheduler: Scheduler, offer: Offered) => void

const declines: Manner = (_, offer) => void offer.decline('no', { refuseMs: 0 })
const MANNERS: readonly Manner[] = [
  declines,
  () => undefined,
  (scheduler, offer) => {
    declines(scheduler, offer)
    scheduler.revive()
  },
]

const reading = async (scheduler: Scheduler, manner: Manner): Promise<void> => {
  for await (const offer of scheduler.offers()) manner(scheduler, offer)
}

const count = Number(process.argv[2])
const schedulers = await Promise.all(
  Array.from({ length: count }, (_, i) => openScheduler({ name: `rude-${i}` })),
)
process.stdout.write('ready\n')
await Promise.all(
  schedulers.map((scheduler, i) => reading(scheduler, MANNERS[i % MANNERS.length] ?? declines)),
)
