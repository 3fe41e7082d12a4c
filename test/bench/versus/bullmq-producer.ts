/** Adds jobs to a queue of BullMQ: many at once, or one after the other, each to its end. */
import { serveParent } from '../child.ts'
import { closeAll, connectionTo, loadBullMq, QUEUE } from './bullmq.ts'

export interface ProducerStart {
  /** Where the package is. */
  readonly folder: string
  readonly port: number
}

export interface ProducerAsk {
  readonly jobs: number
  readonly how: 'at once' | 'one by one'
}

const BATCH = 500
/** Of jobs that have ended; those that are waited for are looked up. */
const KEPT = 1_000

const { folder, port } = JSON.parse(process.argv[2] ?? '{}') as ProducerStart
const { Queue, QueueEvents } = loadBullMq(folder)
const queue = new Queue(QUEUE, {
  ...connectionTo(port),
  defaultJobOptions: { removeOnComplete: { count: KEPT } },
})
const events = new QueueEvents(QUEUE, connectionTo(port))
await queue.waitUntilReady()
await events.waitUntilReady()

async function addAtOnce(jobs: number): Promise<void> {
  for (let added = 0; added < jobs; added += BATCH) {
    const length = Math.min(BATCH, jobs - added)
    await queue.addBulk(Array.from({ length }, () => ({ name: 'job', data: {} })))
  }
}

async function addOneByOne(jobs: number): Promise<void> {
  for (let added = 0; added < jobs; added += 1) {
    const job = await queue.add('job', {})
    await job.waitUntilFinished(events)
  }
}

serveParent<ProducerAsk, { elapsedMs: number }>(
  async ({ jobs, how }) => {
    const startedAtMs = performance.now()
    await (how === 'at once' ? addAtOnce(jobs) : addOneByOne(jobs))
    return { elapsedMs: performance.now() - startedAtMs }
  },
  () => closeAll(events, queue),
)
