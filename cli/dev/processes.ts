/** Each actor of a `bourse dev` in a process of its own, started again when it dies. */
import { join } from 'node:path'
import { supervise } from '../../actors/kit/supervise.ts'
import { systemClock } from '../../bus/clock.ts'
import { startBourse } from '../child-process.ts'
import { resourceFlag } from '../resource-flags.ts'
import { bytesOf, lastError } from './last-error.ts'
import type { DevHost, DevOwner, Stoppable } from './owner.ts'

const STOP_MS = 10_000

export interface ClusterFlags {
  readonly nats: string
  readonly cluster: string
}

export function hostProcesses(owner: DevOwner, { nats, cluster }: ClusterFlags): DevHost {
  const where = ['--nats', nats, '--cluster', cluster, '--json']
  const start = (name: string, args: readonly string[]): Promise<Stoppable> => {
    const logPath = join(owner.folder, 'log', `${name}.jsonl`)
    let logBytes = 0
    const supervisor = supervise({
      start: () => {
        logBytes = bytesOf(logPath)
        const child = startBourse([...args, ...where], { logPath, env: owner.env })
        if (child.pid !== undefined) owner.onStarted?.(name, child.pid)
        return child
      },
      clock: systemClock,
      onEnded: (ending, againMs) =>
        owner.onEnded(name, { ending, againMs, why: lastError(logPath, logBytes) }),
    })
    return Promise.resolve({ stop: () => supervisor.stop(STOP_MS) })
  }
  return {
    startMaster: ({ masterId, workDir }) =>
      start(masterId, ['master', '--id', masterId, '--work-dir', workDir]),
    startAllocator: (policy) =>
      start('allocator', ['allocator', ...(policy ? ['--policy', policy.text] : [])]),
    startAgent({ id, workDir, resources }) {
      const args = ['agent', '--id', id, '--work-dir', workDir, '--leave-when-idle']
      return start(id, [...args, '--resources', resourceFlag(resources)])
    },
    startEmulated: (id, count) => start(id, ['agent', '--id', id, '--emulate', String(count)]),
  }
}
