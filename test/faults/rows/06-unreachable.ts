import type { HeardStatus } from '../../lab/contract.ts'
import { wiresNeed } from '../../lab/wires.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch, tasksIn } from '../scene.ts'

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
    await inTime(
      steady.reaches((all) => [...tasksIn(all, 'TASK_UNREACHABLE')].every((id) => isBack(all, id))),
      'that its tasks run again',
    )
    return await finish({
      recoveryMs,
      note: `missed after ${missedMs} ms, a new task there had ended ${recoveryMs} ms after the end`,
    })
  },
}

/** It was told to run since it was told to be unreachable. */
function isBack(all: readonly HeardStatus[], id: string): boolean {
  const states = all.filter(({ taskId }) => taskId === id).map(({ state }) => state)
  return states.lastIndexOf('TASK_RUNNING') > states.lastIndexOf('TASK_UNREACHABLE')
}
