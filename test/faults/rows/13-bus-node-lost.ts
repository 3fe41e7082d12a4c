import { sleep } from '../../../bus/clock.ts'
import type { LabServer } from '../../lab/contract.ts'
import type { Row } from '../row.ts'
import { openScene, type Scene, stopwatch } from '../scene.ts'
import { allRan, type BusWatch, LEASE_STREAM, leadsLost, watchBus } from './bus-watch.ts'

/** An election takes nine seconds at most: the lease outlives it, or does not, within this. */
const ELECTION_MS = 12_000
/** Then it has heard what it missed. */
const CAUGHT_UP_MS = 2_000

export const busNodeLost: Row = {
  number: 13,
  name: 'bus-node-lost',
  fault:
    'each of three NATS servers is killed in turn, then the one that leads the lease is frozen',
  expected: 'tasks are launched meanwhile; no change of the leading master',
  invariants: ['I2', 'I3', 'I4', 'I5', 'I9'],
  withinMs: 4_000,
  async run(stage) {
    const scene = await openScene(stage, { servers: 3, steady: { runMs: [10_000, 70_000] } })
    const watch = await watchBus(scene.lab)
    stage.onEnd(() => watch.close())
    const times: number[] = []
    for (const server of scene.lab.servers) {
      times.push(await losing(scene, () => server.kill()))
      await server.restart({ store: 'kept' })
      await sleep(CAUGHT_UP_MS)
    }
    const frozen = await leaseServer(watch, scene.lab.servers)
    times.push(await losing(scene, () => frozen.freeze()))
    frozen.thaw()
    const lost = leadsLost(scene.lab)
    return await scene.finish({
      recoveryMs: Math.max(...times),
      note: `tasks had run on each agent ${times.join(', ')} ms after each loss, the lead was lost ${lost} times`,
      problems: lost > 0 ? [`the lead was lost ${lost} times`] : [],
    })
  },
}

/** Resolves to how long it took until tasks ran again, when there was time for an election. */
async function losing(scene: Scene, lose: () => unknown): Promise<number> {
  const since = stopwatch()
  await lose()
  await allRan(scene)
  const ranMs = since()
  while (since() < ELECTION_MS) await scene.probe.ran()
  return ranMs
}

async function leaseServer(watch: BusWatch, servers: readonly LabServer[]): Promise<LabServer> {
  const found = (await watch.leaderOf(LEASE_STREAM)) ?? servers[0]
  if (found === undefined) throw new Error('no server leads the stream of the lease')
  return found
}
