import { sleep } from '../../../bus/clock.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

/** Before it is started again. The second is as long as some tasks run on. */
const SHORT_MS = 100
const LONG_MS = 6_000

export const agentKilled: Row = {
  number: 4,
  name: 'agent-killed',
  fault: 'kill -9 of an agent, started again after 0.1 s; of another one, after 6 s',
  expected: 'it finds its tasks again, also those that have ended meanwhile',
  invariants: ['I3', 'I4', 'I5', 'I6'],
  withinMs: 10_000,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage, {
      steady: { endings: ['ok'], runMs: [4_000, 10_000] },
    })
    const times: number[] = []
    for (const [agent, awayMs] of [
      [lab.agents[0], SHORT_MS],
      [lab.agents[1], LONG_MS],
    ] as const) {
      if (agent === undefined) throw new Error('the lab has too few agents')
      await agent.kill()
      await sleep(awayMs)
      const since = stopwatch()
      await agent.start()
      await inTime(probe.ran(agent.name), `a task on ${agent.name}`)
      times.push(since())
    }
    const recoveryMs = Math.max(...times)
    return await finish({
      recoveryMs,
      note: `a new task there had ended ${times.join(' and ')} ms after the start`,
    })
  },
}
