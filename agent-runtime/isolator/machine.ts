/** What all isolators of one agent share. */
import type { Cgroups } from './cgroups/cgroups.ts'
import type { GpuPool } from './gpu-pool.ts'

export interface Machine {
  /** Undefined: a kill reaches by no cgroup, so nothing is held by cgroups. */
  readonly cgroups: Cgroups | undefined
  readonly gpus: GpuPool
  /** What a sandbox may take of the disk if its task asked for nothing. */
  readonly defaultDiskBytes: number
}
