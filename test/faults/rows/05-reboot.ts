import { rootNeed } from '../needs.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch, tasksIn } from '../scene.ts'

export const reboot: Row = {
  number: 5,
  name: 'reboot',
  fault: 'all processes of an agent gone, and another boot id when it comes back',
  expected: 'its tasks are told as failed by it, once; its resources are offered again',
  invariants: ['I1', 'I3', 'I6'],
  withinMs: 5_000,
  needs: () => [rootNeed()],
  async run(stage) {
    const { lab, steady, probe, finish } = await openScene(stage, {
      bootIds: true,
      steady: { runMs: [20_000, 20_000] },
    })
    const [agent] = lab.agents
    if (agent === undefined) throw new Error('the lab has no agent')
    const there = tasksIn(
      steady.statuses().filter(({ agentId }) => agentId === agent.name),
      'TASK_RUNNING',
    )
    await agent.reboot()
    const since = stopwatch()
    await inTime(probe.ran(agent.name), `a task on ${agent.name}`)
    await inTime(
      steady.reaches((all) => tasksIn(all, 'TASK_FAILED').size >= there.size),
      'the ends of its tasks',
    )
    const recoveryMs = since()
    const told = steady.statuses().filter(({ state }) => state === 'TASK_FAILED')
    return await finish({
      recoveryMs,
      note: `${there.size} tasks were told as failed and a new one had ended after ${recoveryMs} ms`,
      problems: told.length === there.size ? [] : [`${told.length} ends of ${there.size} tasks`],
      mayEnd: ['TASK_FAILED'],
      explains: /^I5: .*\(AGENT_REBOOTED\)$/,
    })
  },
}
