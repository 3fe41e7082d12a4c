/** What a machine has to offer if nobody says otherwise. */
import { statfsSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { findGpus } from './isolator/gpu-pool.ts'

/** Plain numbers: `mem` and `disk` in MiB, `ports` with both ends. */
export interface MachineResources {
  readonly cpus: number
  readonly mem: number
  readonly disk: number
  /** Whole devices. */
  readonly gpus: number
  readonly ports: readonly { readonly begin: number; readonly end: number }[]
}

const MIB = 1024 * 1024
const GIB_IN_MIB = 1024
/** Source: Mesos, `--resources`. */
const PORTS = { begin: 31_000, end: 32_000 }

/** What a disk of which nothing is known is taken to offer. Source: Mesos, `DEFAULT_DISK`. */
const DISK_DEFAULT_MIB = 10 * GIB_IN_MIB

/** Of the machine, or of the container that the agent itself is in. */
export function detectResources(workDir: string, devPath = '/dev'): MachineResources {
  const memBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
  return {
    cpus: availableParallelism(),
    mem: offeredMem(Math.floor(memBytes / MIB)),
    disk: detectDisk(workDir),
    gpus: findGpus(devPath).length,
    ports: [PORTS],
  }
}

function detectDisk(workDir: string): number {
  try {
    const { blocks, bsize } = statfsSync(workDir)
    return offeredDisk(Math.floor((blocks * bsize) / MIB))
  } catch {
    // A disk that does not say how large it is.
    return DISK_DEFAULT_MIB
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
