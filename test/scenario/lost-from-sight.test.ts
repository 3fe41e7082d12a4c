/** `bourse run` with restarts, and an instance of which a new leader cannot know. */
import test from 'ava'
import type { InstanceView } from '../../frameworks/run/result.ts'
import { Scenario, TAKEN_OVER_MS } from '../support/scenario.ts'
import { BLIND, simulatedRun } from '../support/simulated-run.ts'

const MINUTE_MS = 60_000

for (const [awayMinutes, when] of [
  [3, 'while it is still asked about'],
  [15, 'when it is asked about no more'],
] as const) {
  test(`an instance of a forgotten agent that is back ${when} does not run beside its next`, async (t) => {
    const scenario = await Scenario.open()
    const { cluster } = scenario
    const { system, world } = cluster
    const running: string[] = []
    const changed = ({ state, agentId, taskId }: InstanceView): void => {
      const where = `${taskId?.replace(/^.*?-0/, '0')} on ${agentId}`
      if (state === 'TASK_RUNNING' && running.at(-1) !== where) running.push(where)
    }
    const stop = new AbortController()
    const run = simulatedRun(
      {
        env: { PRETEND_MS: 'Infinity' },
        world,
        signal: stop.signal,
        restart: { restartsMax: Number.POSITIVE_INFINITY },
      },
      { ...BLIND, changed },
    )
    await scenario.pass(2_000)
    const before = system.copyStores()
    const far = await scenario.agents({ name: 'far' })
    await scenario.pass(10_000)
    t.deepEqual(running, ['0 on far-1'])

    far.cutOff()
    cluster.killLeader()
    system.crash()
    system.restart(before)
    await cluster.until(cluster.startMaster())
    await scenario.pass(TAKEN_OVER_MS)
    const near = await scenario.agents({ name: 'near' })
    for (let i = 0; i < awayMinutes; i++) await scenario.pass(MINUTE_MS)
    t.deepEqual(running, ['0 on far-1', '0-2 on near-1'])
    far.join()
    await scenario.pass(5 * MINUTE_MS)
    const held = [near, far].map(({ states }) => states[0]?.tasks.size)
    t.deepEqual(held, [1, 0])
    stop.abort()
    await cluster.until(run)
  })
}
