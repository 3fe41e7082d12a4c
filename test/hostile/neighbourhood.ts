/** The well-behaved task and its client: what they notice of what goes on beside them. */
import { fileURLToPath } from 'node:url'
import type { Offered, TaskWish } from '../../actors/scheduler/scheduler.ts'
import { sleep } from '../../bus/clock.ts'
import { type Child, startChild } from '../bench/child.ts'
import { within } from '../lab/lab.ts'
import type { ClientAsk, ClientStart, Latency } from './client.ts'
import type { Following, HostileFramework } from './framework.ts'

export interface Neighbourhood {
  /** Of the agent that both are on. */
  readonly isolators: readonly string[]
  /** What the client sees while `during` goes on, and for so long at least. */
  measured(ms: number, during: () => Promise<unknown>): Promise<Latency>
  /** Ends both; resolves to what is wrong with the task and its output, one sentence each. */
  end(): Promise<readonly string[]>
  close(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('./neighbour.js', import.meta.url))
const AMOUNTS = { cpus: 0.5, mem: 128 }
const START_MS_MAX = 30_000

export async function openNeighbourhood(framework: HostileFramework): Promise<Neighbourhood> {
  let port = 0
  let isolators: readonly string[] = []
  const wish = { name: 'neighbour', command: [process.execPath, PROGRAM] }
  const wishOn = (offer: Offered): readonly TaskWish[] => {
    port = offer.ports[0]?.[0] ?? 0
    const named = String(offer.attribute('isolators') ?? '').split(',')
    const isHeld = offer.attribute('isolation') !== 'session'
    isolators = [...(isHeld ? ['kill'] : []), ...named]
    const amounts = Object.entries(AMOUNTS).map(([name, scalar]) => ({ name, scalar }))
    return [{ ...wish, resources: [...amounts, { name: 'ports', ranges: [[port, port]] }] }]
  }
  const [task] = await framework.launch(wishOn, [{ ...wish, resources: AMOUNTS }])
  if (task === undefined) throw new Error('no neighbour was launched')
  await within(START_MS_MAX, task.running, 'the neighbour does not run')
  const start = { port } satisfies ClientStart
  const client = await startChild<ClientAsk, Latency>('../hostile/client.ts', start)
  return {
    isolators,
    async measured(ms, during) {
      await client.ask({ do: 'begin' })
      await Promise.all([during(), sleep(ms)])
      return await client.ask({ do: 'tell' })
    },
    end: () => endOf(framework, task, client),
    close: () => client.close(),
  }
}

async function endOf(
  framework: HostileFramework,
  task: Following,
  client: Child<ClientAsk, Latency>,
): Promise<readonly string[]> {
  await client.close()
  framework.scheduler.kill(task.taskId, { graceMs: 0 })
  const { state, message } = await within(START_MS_MAX, task.ended, 'the neighbour does not end')
  const early = state === 'TASK_KILLED' ? [] : [`it is ${state}: ${message}`]
  const lines = (await framework.output(task.taskId)).split('\n').slice(0, -1)
  const wrong = lines.findIndex((line, i) => line !== `${i + 1} ${i + 1}`)
  const odd = wrong === -1 ? [] : [`line ${wrong + 1} of its output is “${lines[wrong]}”`]
  return [...early, ...(lines.length === 0 ? ['it has no output'] : odd)]
}
