import { wiresNeed } from '../../lab/wires.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

export const unreachable: Row = {
  number: 6,
  name: 'unreachable',
  fault: 'an agent’s packets are dropped until it is unreachable, then no more',
  expected: 'its tasks are told as unreachable, and as running again when it is back',
  invariants: ['I1', 'I3', 'I4'],
  withinMs: 10_000,
  needs: async () => [await wiresNeed()],
  async run(stage) {
    const { lab, steady, probe, finish } = await openScene(stage, {
      namespaces: true,
      masterFlags: ['--agent-ping', '500ms', '--agent-pings-missed', '4'],
      steady: { runMs: [15_000, 20_000] },
    })
    const [agent] = lab.agents
    if (agent?.wire === undefined) throw new Error('the agent has no network of its own')
    const leader = await lab.leader()
    const cutSince = stopwatch()
    await agent.wire.cut()
    await inTime(leader.says('an agent is unreachable'), 'that the agent is missed')
    await inTime(
      steady.reaches((all) => all.some(({ state }) => state === 'TASK_UNREACHABLE')),
      'that its tasks are missed',
    )
    const missedMs = cutSince()
    const since = stopwatch()
    await agent.wire.heal()
    await inTime(probe.ran(agent.name), `a task on ${agent.name}`)
    const recoveryMs = since()
    return await finish({
      recoveryMs,
      note: `missed after ${missedMs} ms, a new task there had ended ${recoveryMs} ms after the end`,
    })
  },
}
