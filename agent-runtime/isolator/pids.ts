/** Processes and threads: a fork bomb fills its own cup. */
import { join } from 'node:path'
import { fieldOf, known, numberIn } from './cgroups/files.ts'
import { cgroupIsolator } from './cgroups/isolator.ts'
import type { LimitHit } from './hold.ts'

export const pidsIsolator = cgroupIsolator({
  name: 'pids',
  controller: 'pids',
  lacks: 'tasks are not held to a number of processes',
  settings: ({ pidsMax }) =>
    pidsMax === undefined ? [] : [{ file: 'pids.max', text: String(pidsMax) }],
  limitHit: ({ path }): LimitHit | undefined => {
    const refused = fieldOf(join(path, 'pids.events'), 'max') ?? 0
    if (refused === 0) return undefined
    const limit = numberIn(join(path, 'pids.max')) ?? 'unknown'
    return {
      reason: 'CONTAINER_LIMITATION',
      message: `its limit of ${limit} processes and threads kept it from starting ${refused} more`,
      ends: false,
    }
  },
  usage: ({ path }) => known({ pids: numberIn(join(path, 'pids.current')) }),
})
