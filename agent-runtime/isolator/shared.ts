/** What all isolators of one agent work with. */
import type { Cgroups } from './cgroups/cgroups.ts'
import type { GpuPool } from './gpu-pool.ts'

export interface Shared {
  /** Undefined: a kill reaches by no cgroup, so nothing is held by cgroups. */
  readonly cgroups: Cgroups | undefined
  /** Those of the machine, and which container has which. */
  readonly gpus: GpuPool
  /** What a sandbox may take of the disk if its task asked for nothing. */
  readonly defaultDiskBytes: number
}
