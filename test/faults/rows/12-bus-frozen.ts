import { sleep } from '../../../bus/clock.ts'
import type { Row } from '../row.ts'
import { openScene, stopwatch } from '../scene.ts'
import { allRan, leadsLost, watchBus } from './bus-watch.ts'

/** Shorter than it takes to notice, as long as a lease, much longer. */
const FROZEN_MS = [700, 3_000, 15_000]

export const busFrozen: Row = {
  number: 12,
  name: 'bus-frozen',
  fault: 'nats-server stands still, for 0.7, 3 and 15 s',
  expected: 'all are back when it goes on',
  invariants: ['I1', 'I3', 'I4', 'I7', 'I9'],
  withinMs: 3_000,
  async run(stage) {
    const scene = await openScene(stage, { steady: { runMs: [5_000, 30_000] } })
    const [server] = scene.lab.servers
    const watch = await watchBus(scene.lab)
    stage.onEnd(() => watch.close())
    const times: number[] = []
    for (const frozenMs of FROZEN_MS) {
      server?.freeze()
      await sleep(frozenMs)
      server?.thaw()
      const since = stopwatch()
      await allRan(scene)
      times.push(since())
    }
    return await scene.finish({
      recoveryMs: Math.max(...times),
      note: `tasks had run on each agent ${times.join(', ')} ms after it went on, the lead was lost ${leadsLost(scene.lab)} times`,
    })
  },
}
