import { sleep } from '../../../bus/clock.ts'
import type { Direction, LabProcess } from '../../lab/contract.ts'
import { wiresNeed } from '../../lab/wires.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

const CUT_MS = 3_500

export const partitions: Row = {
  number: 19,
  name: 'partitions',
  fault:
    'leader, agent and framework are cut from NATS in turn: what they say, what they hear, both',
  expected: 'another leads when the leader is cut; all agree again afterwards',
  invariants: ['I1', 'I2', 'I3', 'I4', 'I5'],
  withinMs: 10_000,
  needs: async () => [await wiresNeed()],
  async run(stage) {
    const { lab, steady, probe, finish } = await openScene(stage, {
      namespaces: true,
      steady: { runMs: [20_000, 30_000] },
    })
    const [agent] = lab.agents
    if (agent === undefined) throw new Error('the lab has no agent')
    const cuts: readonly (readonly [string, () => Promise<LabProcess>, Direction])[] = [
      ['leader in', () => lab.leader(), 'in'],
      ['leader out', () => lab.leader(), 'out'],
      ['agent in', async () => agent, 'in'],
      ['agent out', async () => agent, 'out'],
      ['framework', async () => steady, 'both'],
    ]
    const seen: string[] = []
    let recoveryMs = 0
    for (const [what, whom, direction] of cuts) {
      const { wire, name, kind } = await inTime(whom(), 'a leader')
      const other = kind === 'master' ? await lab.standby() : undefined
      const leads = other?.lines.filter(({ message }) => message === 'leads').length ?? 0
      if (wire === undefined) throw new Error(`${name} has no network of its own`)
      await wire.cut(direction)
      await sleep(CUT_MS)
      if (other !== undefined)
        await inTime(other.says('leads', leads + 1), `another leader: ${what}`)
      const since = stopwatch()
      await wire.heal()
      await inTime(probe.ran(what.startsWith('agent') ? agent.name : undefined), `a task: ${what}`)
      const tookMs = since()
      recoveryMs = Math.max(recoveryMs, tookMs)
      seen.push(`${what} ${tookMs} ms`)
    }
    return await finish({
      recoveryMs,
      note: `cut for ${CUT_MS} ms each, a new task had ended after the end of it: ${seen.join(', ')}`,
    })
  },
}
