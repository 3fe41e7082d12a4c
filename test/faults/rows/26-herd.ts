import { sleep } from '../../../bus/clock.ts'
import type { LabProcess } from '../../lab/contract.ts'
import { Actor } from '../../support/cluster.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

const AGENTS = 10_000
const LOOK_MS = 20
/** Of the leader, which knows them all: it has 0.04 for each. */
const GROWTH_MIB = 600

export const herd: Row = {
  number: 26,
  name: 'herd',
  fault: 'nats-server is killed and started again under 10,000 emulated agents',
  expected: 'they are all back',
  invariants: ['I7', 'I9'],
  withinMs: 15_000,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage, {
      steady: { runMs: [25_000, 30_000] },
      growthMib: GROWTH_MIB,
    })
    const emulated = new Actor(['agent', '--id', 'herd', '--emulate', String(AGENTS)], lab.env)
    stage.onEnd(() => emulated.end())
    await emulated.start()
    const leader = await lab.leader()
    await inTime(registered(lab.masters, AGENTS), `${AGENTS} agents`)
    const before = comeTo(lab.masters)
    const since = stopwatch()
    await lab.servers[0]?.restart({ store: 'kept' })
    await inTime(registered(lab.masters, before + AGENTS), `${AGENTS} agents, again`)
    const recoveryMs = since()
    await inTime(probe.ran('a1'), 'a task after that')
    const ranMs = since()
    await emulated.end()
    const hasLost = leader.lines.some(({ message }) => message === 'lost the lead')
    return await finish({
      recoveryMs,
      note: `all were back after ${recoveryMs} ms (${hasLost ? 'under another leader' : 'the leader led on'}), a new task had ended after ${ranMs} ms`,
    })
  },
}

/** How many registrations they have told of. */
const comeTo = (masters: readonly LabProcess[]): number =>
  masters
    .flatMap(({ lines }) => lines)
    .reduce((all, line) => {
      if (line.message === 'an agent has registered') return all + 1
      return line.message === 'agents have registered' ? all + Number(line['agents']) : all
    }, 0)

async function registered(masters: readonly LabProcess[], count: number): Promise<void> {
  while (comeTo(masters) < count) await sleep(LOOK_MS)
}
