/** Disk: a sandbox takes no more than its task asked for. Nobody counts it but who looks. */
import { statfsSync } from 'node:fs'
import type { DiskHold, LimitHit } from './hold.ts'
import type { Isolator, Wanted } from './isolator.ts'
import type { DiskUse } from './looks/disk-use.ts'
import { GIB, inMib } from './mib.ts'

/** Who asked for none may take this part of the file system, and so much at most. */
const DEFAULT_PART = 0.1
const DEFAULT_BYTES_MAX = 10 * GIB
/** Small files fill the disk's table of files before the disk: as many as pages would fit. */
const BYTES_PER_FILE = 4096
const FILES_MIN = 100_000

/** For so long a task may keep a folder to itself: tests of rights do it for a moment. */
export const UNSEEN_MS_MAX = 30_000

export const diskIsolator: Isolator = {
  name: 'disk',
  open: ({ defaultDiskBytes }) => ({
    works: {
      prepare: (wanted) => ({ hold: diskHold(wanted, defaultDiskBytes) }),
    },
    missing: [],
  }),
}

/** What a task that asked for no disk may take of the one that the sandboxes are on. */
export function defaultDiskBytes(workDir: string): number {
  const { blocks, bsize } = statfsSync(workDir)
  return Math.floor(Math.min(DEFAULT_BYTES_MAX, blocks * bsize * DEFAULT_PART))
}

export function diskHold(
  { sandboxPath, diskBytes = 0 }: Pick<Wanted, 'diskBytes' | 'sandboxPath'>,
  defaultBytes: number,
): DiskHold {
  const bytesMax = diskBytes > 0 ? diskBytes : defaultBytes
  return { isolator: 'disk', path: sandboxPath, bytesMax, askedBytes: diskBytes }
}

export const filesMax = ({ bytesMax }: DiskHold): number =>
  Math.max(FILES_MIN, Math.floor(bytesMax / BYTES_PER_FILE))

export function diskLimitHit(hold: DiskHold, { bytes, files }: DiskUse): LimitHit | undefined {
  const { bytesMax, askedBytes } = hold
  const reason = 'CONTAINER_LIMITATION_DISK'
  const why = askedBytes > 0 ? '' : ', as it asked for no disk'
  if (bytes > bytesMax) {
    const message = `too much disk: its limit is ${inMib(bytesMax)}${why}, it took ${inMib(bytes)}`
    return { reason, message, ends: true }
  }
  if (files <= filesMax(hold)) return undefined
  const message = `too many files: with ${inMib(bytesMax)} of disk its limit is ${filesMax(hold)}`
  return { reason, message, ends: true }
}

/** What nobody can look at may be anything: that is over the limit as well, if it stays so. */
export function unseenHit({ unseen }: Pick<DiskUse, 'unseen'>): LimitHit {
  const why =
    unseen === 'too deep'
      ? 'its folders are too deep or too many'
      : 'a folder of it cannot be looked into'
  const message = `too much disk, perhaps: for ${UNSEEN_MS_MAX / 1000} s nobody could say what its sandbox takes, as ${why}`
  return { reason: 'CONTAINER_LIMITATION_DISK', message, ends: true }
}
