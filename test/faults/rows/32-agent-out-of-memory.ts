import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { sleep } from '../../../bus/clock.ts'
import type { AgentId } from '../../../protocol/ids.ts'
import { agentOrders } from '../../../protocol/subjects.ts'
import type { LabProcess } from '../../lab/contract.ts'
import { openStranger } from '../../support/stranger.ts'
import { memoryCgroupNeed, memoryCgroupOf } from '../needs.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

/** Beyond what it has when it gets there. */
const LIMIT_BYTES = 8 * 1024 ** 2
/** Rubbish that an agent reads and drops: it needs memory for that. */
const RUBBISH = Buffer.alloc(250_000)
const SAYING_MS = 50

export const agentOutOfMemory: Row = {
  number: 32,
  name: 'agent-out-of-memory',
  fault: 'an agent comes to its memory limit, and the kernel kills it; it is started again',
  expected: 'as row 4: its tasks run on and are found again',
  invariants: ['I3', 'I4', 'I5', 'I6'],
  withinMs: 5_000,
  needs: () => [memoryCgroupNeed()],
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage)
    const [agent] = lab.agents
    if (agent === undefined) throw new Error('the lab has no agent')
    const stranger = await openStranger(lab.env['NATS_URL'] ?? '')
    stage.onEnd(() => stranger.close())
    const group = join(memoryCgroupOf(agent.pid), basename(stage.folder))
    mkdirSync(group)
    stage.onEnd(() => rmdirSync(group))
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(LIMIT_BYTES))
    writeFileSync(join(group, 'cgroup.procs'), String(agent.pid))
    const subject = agentOrders.to({ cluster: 'bourse', agentId: agent.name as AgentId })
    await inTime(
      gone(agent, () => stranger.say(subject, RUBBISH)),
      'the end of the agent',
    )
    const since = stopwatch()
    await agent.start()
    await inTime(probe.ran(agent.name), `a task on ${agent.name}`)
    const recoveryMs = since()
    return await finish({
      recoveryMs,
      note: `a new task there had ended ${recoveryMs} ms after its start`,
    })
  },
}

async function gone(agent: LabProcess, say: () => void): Promise<void> {
  while (agent.isRunning) {
    say()
    await sleep(SAYING_MS)
  }
}
