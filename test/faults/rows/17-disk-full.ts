import { sleep } from '../../../bus/clock.ts'
import { disksNeed } from '../../lab/small-disk.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, type Scene, stopwatch } from '../scene.ts'

/** For so long a disk is full. */
const FULL_MS = 4_000
const MIB = { master: 16, agent: 32, server: 64 }

type Where = 'server' | 'master' | 'agent'

export const diskFull: Row = {
  number: 17,
  name: 'disk-full',
  fault:
    'full disks, one after the other: the NATS store, the leader’s, an agent’s with its sandboxes',
  expected:
    'nobody ends, and tasks run on; all is well when there is room, and nats-server was started again',
  invariants: ['I3', 'I5', 'I7'],
  withinMs: 10_000,
  needs: () => [disksNeed()],
  async run(stage) {
    const scene = await openScene(stage, {
      smallDisksMib: MIB,
      steady: { runMs: [18_000, 22_000] },
    })
    const seen: string[] = []
    const problems: string[] = []
    const times: number[] = []
    for (const where of ['server', 'master', 'agent'] as const) {
      const { recoveryMs, during } = await fillOne(scene, where)
      times.push(recoveryMs)
      seen.push(`${where} ${recoveryMs} ms (meanwhile ${during})`)
      const { lab } = scene
      const ended = [...lab.masters, ...lab.agents].filter(({ isRunning }) => !isRunning)
      problems.push(
        ...ended.map(({ name }) => `${name} had ended when the disk of ${where} was full`),
      )
      // An operator starts again what has ended.
      for (const one of ended) await one.start()
    }
    return await scene.finish({
      recoveryMs: Math.max(...times),
      note: `a new task had ended after there was room: ${seen.join(', ')}`,
      problems,
      // What is launched on an agent whose disk is full cannot begin there.
      explains: /^I3: .* TASK_FAILED \(LAUNCH_FAILED\), but it never began$/,
    })
  },
}

interface Filled {
  /** From the room until a task has ended. */
  readonly recoveryMs: number
  /** What became of a task meanwhile. */
  readonly during: string
}

async function fillOne({ lab, probe }: Scene, where: Where): Promise<Filled> {
  const owner =
    where === 'server' ? lab.servers[0] : where === 'agent' ? lab.agents[0] : await lab.leader()
  if (owner?.disk === undefined) throw new Error(`the ${where} has no disk of its own`)
  const agentId = where === 'agent' ? owner.name : undefined
  owner.disk.fill()
  const ran = probe.ran(agentId).then(() => 'a task ran')
  const during = await Promise.race([ran, sleep(FULL_MS).then(() => 'none ran')])
  await sleep(FULL_MS)
  const since = stopwatch()
  owner.disk.free()
  // A nats-server may give its stores up when it cannot write; it takes them up at its next start.
  if (where === 'server') await lab.servers[0]?.restart({ store: 'kept' })
  await inTime(ran, `the task that was asked for while the disk of ${where} was full`)
  await inTime(probe.ran(agentId), `a task after ${where}`)
  return { recoveryMs: since(), during }
}
