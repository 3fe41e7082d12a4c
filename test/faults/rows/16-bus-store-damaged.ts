import {
  closeSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { ClusterError } from '../../../protocol/errors.ts'
import type { LabServer } from '../../lab/contract.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'
import { allRan, LEASE_STREAM, REGISTRY_STREAM } from './bus-watch.ts'
import { leadAgain, leadWithoutCopy, quotaProblems, rewritten, setQuota } from './kept-facts.ts'

/** What is done to a file of a store whose server is stopped. */
interface Damage {
  readonly what: string
  readonly stream: string
  readonly harm: (path: string) => void
}

const DAMAGES: readonly Damage[] = [
  { what: 'bits of the registry are flipped', stream: REGISTRY_STREAM, harm: flip },
  { what: 'bits of the lease are flipped', stream: LEASE_STREAM, harm: flip },
  { what: 'the registry is cut in half', stream: REGISTRY_STREAM, harm: halve },
  { what: 'the lease is cut in half', stream: LEASE_STREAM, harm: halve },
]

export const busStoreDamaged: Row = {
  number: 16,
  name: 'bus-store-damaged',
  fault: 'files of the lease and of the registry are damaged while nats-server is stopped',
  expected:
    'epochs rise; a quota that was set before is known, also to masters that start again, and is stored again for one without a copy; tasks run on',
  invariants: ['I2', 'I3', 'I4', 'I5', 'I9'],
  withinMs: 6_000,
  async run(stage) {
    const scene = await openScene(stage, { steady: { runMs: [10_000, 40_000] } })
    const [server] = scene.lab.servers
    if (server === undefined) throw new Error('the lab has no server')
    const times: number[] = []
    const problems: string[] = []
    const refused: string[] = []
    for (const [i, { what, stream, harm }] of DAMAGES.entries()) {
      await setQuota(scene.lab, i + 1)
      const whole = stream === REGISTRY_STREAM ? rewritten(scene.lab) : undefined
      await server.kill()
      for (const path of filesOf(server, stream)) harm(path)
      if (!(await startsAgain(server))) refused.push(what)
      const since = stopwatch()
      await allRan(scene)
      if (whole !== undefined) await inTime(whole, `that what was lost is written again: ${what}`)
      times.push(since())
      if (whole !== undefined)
        await inTime(leadWithoutCopy(scene.lab), `a leader without a copy: ${what}`)
      const found = await quotaProblems(scene.lab, i + 1)
      problems.push(...found.map((problem) => `${what}: ${problem}`))
    }
    await inTime(leadAgain(scene.lab), 'a leader that has started again')
    const found = await quotaProblems(scene.lab, DAMAGES.length)
    problems.push(...found.map((problem) => `masters that started again: ${problem}`))
    return await scene.finish({
      recoveryMs: Math.max(...times),
      note: `a task had run on each agent, and what the registry had lost was written again, ${times.join(', ')} ms after the server answered${refused.length > 0 ? `; it did not start, and was given an empty store, where ${refused.join(' and ')}` : ''}`,
      problems,
    })
  },
}

/** False: it does not start with that store, so it has an empty one, as an operator would do. */
async function startsAgain(server: LabServer): Promise<boolean> {
  try {
    await server.restart({ store: 'kept' })
    return true
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== 'bus/server-failed') throw error
    await server.restart({ store: 'empty' })
    return false
  }
}

/** What is stored, and what the server remembers of where it is. */
function filesOf({ storeDir }: LabServer, stream: string): readonly string[] {
  const folder = join(storeDir, 'jetstream', '$G', 'streams', stream, 'msgs')
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).size > 0)
}

function flip(path: string): void {
  const fd = openSync(path, 'r+')
  const { size } = statSync(path)
  const byte = Buffer.alloc(1)
  for (const part of [0.3, 0.6, 0.9]) {
    const at = Math.floor(size * part)
    readSync(fd, byte, 0, 1, at)
    byte[0] = (byte[0] ?? 0) ^ 0x41
    writeSync(fd, byte, 0, 1, at)
  }
  closeSync(fd)
}

function halve(path: string): void {
  truncateSync(path, Math.floor(statSync(path).size / 2))
}
