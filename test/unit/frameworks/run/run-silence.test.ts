/** Whoever was not there to hear that an agent is back does not take it for lost. */
import test from 'ava'
import { SimulatedCluster } from '../../../../testing/testing.ts'
import { BLIND, simulatedRun } from '../../../support/simulated-run.ts'

for (const how of ['cutOff', 'freeze'] as const) {
  test(`a run that was away (${how}) while an agent came back does not start its task anew`, async (t) => {
    const cluster = await SimulatedCluster.open({ agents: 1 })
    const client = cluster.process()
    const states: string[] = []
    let restarts = 0
    const running = simulatedRun(
      {
        env: { PRETEND_MS: '900000' },
        world: client.world,
        restart: { restartsMax: 9 },
        readsOutput: false,
        failoverMs: 3_600_000,
      },
      {
        ...BLIND,
        changed: ({ state }) => void states.push(state),
        restarting: () => void (restarts += 1),
      },
    )
    await cluster.pass(5_000)
    t.is(states.at(-1), 'TASK_RUNNING')
    const agent = cluster.agent('agent-1')
    agent.cutOff()
    await cluster.pass(40_000)
    t.is(states.at(-1), 'TASK_UNREACHABLE')
    client[how]()
    agent.join()
    await cluster.pass(330_000)
    if (how === 'cutOff') client.join()
    else client.thaw()
    const { instances } = await cluster.until(running, 3_600_000)
    t.is(restarts, 0)
    t.is(instances[0]?.state, 'TASK_FINISHED')
    t.false(states.includes('TASK_LOST'))
  })
}
