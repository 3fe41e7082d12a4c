import type { Row } from '../row.ts'
import { openScene, stopwatch } from '../scene.ts'
import { allRan, leadsLost, watchBus } from './bus-watch.ts'

export const busKilled: Row = {
  number: 11,
  name: 'bus-killed',
  fault: 'nats-server is killed and started again',
  expected: 'all are back; nothing is launched twice',
  invariants: ['I1', 'I3', 'I4', 'I9'],
  withinMs: 3_000,
  async run(stage) {
    const scene = await openScene(stage)
    const watch = await watchBus(scene.lab)
    stage.onEnd(() => watch.close())
    const back = watch.back()
    await scene.lab.servers[0]?.restart({ store: 'kept' })
    const since = stopwatch()
    await back
    const connectedMs = since()
    await allRan(scene)
    const recoveryMs = since()
    return await scene.finish({
      recoveryMs,
      note: `from its first answer: a connection was back after ${connectedMs} ms, a task had run on each agent after ${recoveryMs} ms, the lead was lost ${leadsLost(scene.lab)} times`,
    })
  },
}
