/** Whoever was not there to hear that an agent is back does not take it for lost. */
import test from 'ava'
import { runCommand } from '../../../../frameworks/run/run.ts'
import { SimulatedCluster } from '../../../../testing/testing.ts'

for (const how of ['cutOff', 'freeze'] as const) {
  test(`a run that was away (${how}) while an agent came back does not start its task anew`, async (t) => {
    const cluster = await SimulatedCluster.open({ agents: 1 })
    const process = cluster.process()
    const { world } = process
    const states: string[] = []
    let restarts = 0
    const display = {
      changed: ({ state }: { readonly state: string }) => void states.push(state),
      waiting: () => undefined,
      output: () => undefined,
      outputMissing: () => undefined,
      restarting: () => void (restarts += 1),
    }
    const running = runCommand(
      {
        command: ['true'],
        cpus: 1,
        mem: 32,
        world,
        cluster: 'bourse',
        nats: { servers: ['nats://nowhere'], source: 'a simulated cluster' },
        env: { PRETEND_MS: '900000' },
        restart: { restartsMax: 9 },
        readsOutput: false,
        failoverMs: 3_600_000,
      },
      display,
    )
    await cluster.pass(5_000)
    t.is(states.at(-1), 'TASK_RUNNING')
    const agent = cluster.agent('agent-1')
    agent.cutOff()
    await cluster.pass(40_000)
    t.is(states.at(-1), 'TASK_UNREACHABLE')
    process[how]()
    agent.join()
    await cluster.pass(330_000)
    if (how === 'cutOff') process.join()
    else process.thaw()
    const { instances } = await cluster.until(running, 3_600_000)
    t.is(restarts, 0)
    t.is(instances[0]?.state, 'TASK_FINISHED')
    t.false(states.includes('TASK_LOST'))
  })
}
