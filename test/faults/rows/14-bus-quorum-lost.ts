import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'
import { allRan, leadsLost } from './bus-watch.ts'

export const busQuorumLost: Row = {
  number: 14,
  name: 'bus-quorum-lost',
  fault: 'two of three NATS servers are killed, and started again when nobody leads any more',
  expected: 'the leader leads to its deadline, then nobody; tasks run on; nobody has to help',
  invariants: ['I2', 'I3', 'I5', 'I9'],
  withinMs: 20_000,
  async run(stage) {
    const scene = await openScene(stage, { servers: 3, steady: { runMs: [5_000, 40_000] } })
    const { lab } = scene
    const leader = await lab.leader()
    const [, second, third] = lab.servers
    const lostSince = stopwatch()
    await second?.kill()
    await third?.kill()
    await allRan(scene)
    const ranMs = lostSince()
    await inTime(leader.says('lost the lead'), 'the end of the lead')
    const ledMs = lostSince()
    await Promise.all([second?.restart({ store: 'kept' }), third?.restart({ store: 'kept' })])
    const since = stopwatch()
    await allRan(scene)
    const recoveryMs = since()
    return await scene.finish({
      recoveryMs,
      note: `tasks ran on each agent ${ranMs} ms after the loss, the leader led for ${ledMs} ms more; ${recoveryMs} ms after all servers answered tasks ran again`,
      problems: leadsLost(lab) === 1 ? [] : [`the lead was lost ${leadsLost(lab)} times`],
    })
  },
}
