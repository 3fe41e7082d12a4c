import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

const PING_MS = 500
const PINGS_MISSED_MAX = 4
/** What a leader may take beyond the pings. */
const MISSED_MS = PING_MS * (PINGS_MISSED_MAX + 3)

export const agentFrozen: Row = {
  number: 7,
  name: 'agent-frozen',
  fault: 'SIGSTOP of an agent until it is unreachable, then SIGCONT',
  expected: 'missed within its pings; its tasks run on; others launch meanwhile',
  invariants: ['I1', 'I9'],
  withinMs: 5_000,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage, {
      masterFlags: ['--agent-ping', `${PING_MS}ms`, '--agent-pings-missed', `${PINGS_MISSED_MAX}`],
      steady: { runMs: [10_000, 14_000] },
    })
    const [agent, other] = lab.agents
    if (agent === undefined || other === undefined) throw new Error('the lab has too few agents')
    const leader = await lab.leader()
    const frozenSince = stopwatch()
    agent.freeze()
    await inTime(leader.says('an agent is unreachable'), 'that the agent is missed')
    const missedMs = frozenSince()
    await inTime(probe.ran(other.name), 'a task on the other agent')
    const since = stopwatch()
    agent.thaw()
    await inTime(probe.ran(agent.name), `a task on ${agent.name}`)
    const recoveryMs = since()
    return await finish({
      recoveryMs,
      note: `missed after ${missedMs} ms, a new task there had ended ${recoveryMs} ms after SIGCONT`,
      problems: missedMs > MISSED_MS ? [`missed after ${missedMs} ms, not ${MISSED_MS} ms`] : [],
    })
  },
}
