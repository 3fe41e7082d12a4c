import { sleep } from '../../../bus/clock.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'
import { shimmed } from '../shim.ts'

/** Between two jumps. */
const AFTER_MS = 2_500

export const wallClock: Row = {
  number: 23,
  name: 'wall-clock',
  fault: 'the wall clock of the leader, then of an agent, jumps an hour ahead, then two back',
  expected: 'no lease and no timeout follows it',
  invariants: ['I2', 'I9'],
  withinMs: 2_500,
  async run(stage) {
    const { lab, steady, probe, finish } = await openScene(stage, { env: shimmed('wall-clock') })
    const [agent] = lab.agents
    if (agent === undefined) throw new Error('the lab has no agent')
    const leader = await lab.leader()
    let recoveryMs = 0
    for (const one of [leader, leader, agent, agent]) {
      const since = stopwatch()
      process.kill(one.pid, 'SIGUSR2')
      await inTime(probe.ran(agent.name), 'a task')
      recoveryMs = Math.max(recoveryMs, since())
      await sleep(AFTER_MS)
    }
    const lines = lab.masters.flatMap((one) => one.lines.map(({ message }) => message))
    const problems = ['lost the lead', 'an agent is unreachable', 'a framework is away'].filter(
      (message) => lines.includes(message),
    )
    const isMissed = steady.statuses().some(({ state }) => state === 'TASK_UNREACHABLE')
    return await finish({
      recoveryMs,
      note: `tasks took at most ${recoveryMs} ms around four jumps`,
      problems: isMissed ? [...problems, 'a task was told as unreachable'] : problems,
    })
  },
}
