import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { LabServer } from '../../lab/contract.ts'
import { disksNeed } from '../../lab/small-disk.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, type Scene, stopwatch } from '../scene.ts'
import { allRan } from './bus-watch.ts'
import { goneProblems, LOST_WITH_IT, loseLastAgent, quotaProblems, setQuota } from './kept-facts.ts'

const DISK_MIB = 64

/** What a power cut leaves of a store, and how it is put in the store's place. */
interface Remains {
  readonly what: string
  keep(): void
  putBack(): Promise<void>
}

export const busPowerCut: Row = {
  number: 15,
  name: 'bus-power-cut',
  fault:
    'nats-server starts with its files as they were a while ago, then with a disk image of then, then with nothing',
  expected:
    'epochs rise; what was said since is known, a quota and that an agent is gone; tasks run on',
  invariants: ['I2', 'I3', 'I4', 'I5', 'I9'],
  withinMs: 6_000,
  needs: () => [disksNeed()],
  async run(stage) {
    const scene = await openScene(stage, {
      agents: 3,
      smallDisksMib: { server: DISK_MIB },
      steady: { runMs: [10_000, 40_000], only: ['a1', 'a2'] },
    })
    const [server] = scene.lab.servers
    if (server === undefined) throw new Error('the lab has no server')
    const times: number[] = []
    const problems: string[] = []
    let gone: string | undefined
    for (const [i, remains] of remainsOf(server, stage.folder).entries()) {
      await setQuota(scene.lab, 2 * i + 1)
      remains.keep()
      await setQuota(scene.lab, 2 * i + 2)
      gone ??= await loseLastAgent(scene.lab)
      await changeLeader(scene)
      await remains.putBack()
      const since = stopwatch()
      await allRan(scene)
      times.push(since())
      const found = [
        ...(await quotaProblems(scene.lab, 2 * i + 2)),
        ...(await goneProblems(scene.lab, gone)),
      ]
      problems.push(...found.map((problem) => `${remains.what}: ${problem}`))
    }
    // It is refused, and ends what it had left on its machine.
    await scene.lab.agents.at(-1)?.start()
    return await scene.finish({
      recoveryMs: Math.max(...times),
      note: `a task had run on each agent ${times.join(', ')} ms after the server answered`,
      problems,
      explains: LOST_WITH_IT,
    })
  },
}

/** The lease and the registry have moved on since. */
async function changeLeader({ lab }: Scene): Promise<void> {
  const leader = await lab.leader()
  const standby = await lab.standby()
  await leader.kill()
  await inTime(standby.says('leads'), 'a new leader')
  await leader.start()
}

function remainsOf(server: LabServer, folder: string): readonly Remains[] {
  const image = `${server.storeDir}.img`
  const copy = join(folder, 'power-cut.img')
  mkdirSync(folder, { recursive: true })
  return [
    {
      what: 'a copy of its files',
      keep: () => server.copyStore(),
      putBack: () => server.restart({ store: 'copy' }),
    },
    {
      what: 'an image of its disk',
      // Without what the kernel has not written yet.
      keep: () => copyFileSync(image, copy),
      async putBack() {
        await server.kill()
        execFileSync('umount', [server.storeDir])
        copyFileSync(copy, image)
        execFileSync('mount', ['-o', 'loop', image, server.storeDir])
        await server.restart({ store: 'kept' })
      },
    },
    {
      what: 'nothing',
      keep: () => undefined,
      putBack: () => server.restart({ store: 'empty' }),
    },
  ]
}
