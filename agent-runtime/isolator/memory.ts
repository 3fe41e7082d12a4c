/**
 * Memory: nobody gets more than he asked for. Of who takes more the kernel ends something, on v1
 * one process; then the agent ends the rest. Nobody else's is touched.
 */
import { join } from 'node:path'
import { fieldOf, known, numberIn } from './cgroups/files.ts'
import { cgroupIsolator } from './cgroups/isolator.ts'
import type { CgroupHold, LimitHit } from './hold.ts'
import { inMib, MIB } from './mib.ts'

/** With less a shell and what it starts do not come to be. Source: Mesos, `MIN_MEMORY`. */
export const MEM_BYTES_MIN = 32 * MIB

const FILES = {
  1: {
    limit: 'memory.limit_in_bytes',
    now: 'memory.usage_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    kills: 'memory.oom_control',
  },
  2: { limit: 'memory.max', now: 'memory.current', peak: 'memory.peak', kills: 'memory.events' },
} as const

export const memoryIsolator = cgroupIsolator({
  name: 'memory',
  controller: 'memory',
  lacks: 'tasks are not held to their memory',
  /** Swap is nobody's resource, so a task has none. */
  settings({ memBytes }, { version }) {
    if (memBytes === undefined) return []
    const text = String(Math.max(MEM_BYTES_MIN, memBytes))
    const limit = { file: FILES[version].limit, text }
    if (version === 1) return [limit, { file: 'memory.memsw.limit_in_bytes', text, ifThere: true }]
    return [
      limit,
      { file: 'memory.swap.max', text: '0', ifThere: true },
      // With one process of a task all of them end: what is left of it would be of no use.
      { file: 'memory.oom.group', text: '1', ifThere: true },
    ]
  },
  limitHit: (hold): LimitHit | undefined => {
    const { limit, peak, kills } = filesOf(hold)
    const killed = fieldOf(kills, 'oom_kill') ?? 0
    if (killed === 0) return undefined
    return outOfMemory({ limitBytes: numberIn(limit), usedBytes: numberIn(peak) })
  },
  // Version 1 would tell an eventfd, which nothing here can make.
  limitFile: (hold) => (hold.version === 2 ? filesOf(hold).kills : undefined),
  usage: (hold) => {
    const { now, peak } = filesOf(hold)
    return known({ memBytes: numberIn(now), memPeakBytes: numberIn(peak) })
  },
})

/** Undefined: it is not known. */
export interface MemoryUse {
  readonly limitBytes: number | undefined
  /** The most that it ever had. */
  readonly usedBytes?: number | undefined
}

/** The kernel has ended something of a task that wanted more. */
export function outOfMemory({ limitBytes, usedBytes }: MemoryUse): LimitHit {
  const most = usedBytes === undefined ? '' : `, it had ${inMib(usedBytes)} at most`
  return {
    reason: 'CONTAINER_LIMITATION_MEMORY',
    message: `out of memory: its limit is ${inMib(limitBytes)}${most}`,
    ends: true,
  }
}

function filesOf({ version, path }: CgroupHold) {
  const { limit, now, peak, kills } = FILES[version]
  const at = (file: string): string => join(path, file)
  return { limit: at(limit), now: at(now), peak: at(peak), kills: at(kills) }
}
