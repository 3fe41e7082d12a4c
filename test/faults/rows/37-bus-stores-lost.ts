import type { Row } from '../row.ts'
import { openScene, stopwatch } from '../scene.ts'
import { allRan } from './bus-watch.ts'
import { goneProblems, LOST_WITH_IT, loseLastAgent, quotaProblems, setQuota } from './kept-facts.ts'

const CPUS = 3

export const busStoresLost: Row = {
  number: 37,
  name: 'bus-stores-lost',
  fault: 'all three NATS servers are stopped, their stores moved away, and all are started again',
  expected: 'masters give them their copy back: a quota, and that an agent is gone; tasks run on',
  invariants: ['I2', 'I3', 'I4', 'I5', 'I9'],
  withinMs: 20_000,
  async run(stage) {
    const scene = await openScene(stage, {
      agents: 3,
      servers: 3,
      steady: { runMs: [5_000, 40_000], only: ['a1', 'a2'] },
    })
    const { lab } = scene
    await setQuota(lab, CPUS)
    const gone = await loseLastAgent(lab)
    // All at once: two that begin anew beside one that remembers may never agree.
    await Promise.all(lab.servers.map((server) => server.kill()))
    await Promise.all(lab.servers.map((server) => server.restart({ store: 'empty' })))
    const since = stopwatch()
    await allRan(scene)
    const recoveryMs = since()
    const problems = [...(await quotaProblems(lab, CPUS)), ...(await goneProblems(lab, gone))]
    // It is refused, and ends what it had left on its machine.
    await lab.agents.at(-1)?.start()
    return await scene.finish({
      recoveryMs,
      note: `a task had run on each agent ${recoveryMs} ms after all servers answered`,
      problems,
      explains: LOST_WITH_IT,
    })
  },
}
