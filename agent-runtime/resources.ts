/** What a machine has to offer if nobody says otherwise. */
import { statfsSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'

/** Plain numbers: `mem` and `disk` in MiB, `ports` with both ends. */
export interface MachineResources {
  readonly cpus: number
  readonly mem: number
  readonly disk: number
  readonly ports: readonly { readonly begin: number; readonly end: number }[]
}

const MIB = 1024 * 1024
const GIB_IN_MIB = 1024
/** Source: Mesos, `--resources`. */
const PORTS = { begin: 31_000, end: 32_000 }

/** Of the machine, or of the container that the agent itself is in. `workDir` exists. */
export function detectResources(workDir: string): MachineResources {
  const memBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
  const disk = statfsSync(workDir)
  return {
    cpus: availableParallelism(),
    mem: offeredMem(Math.floor(memBytes / MIB)),
    disk: offeredDisk(Math.floor((disk.blocks * disk.bsize) / MIB)),
    ports: [PORTS],
  }
}

/** 1 GiB is left to the system; of less than 2 GiB one half. Source: Mesos, `--resources`. */
export function offeredMem(totalMib: number): number {
  return totalMib >= 2 * GIB_IN_MIB ? totalMib - GIB_IN_MIB : Math.floor(totalMib / 2)
}

/** 5 GiB are left to the system; of less than 10 GiB one half. Source: Mesos, `--resources`. */
export function offeredDisk(totalMib: number): number {
  return totalMib >= 10 * GIB_IN_MIB ? totalMib - 5 * GIB_IN_MIB : Math.floor(totalMib / 2)
}
