/** Disk: a sandbox takes no more than its task asked for. Nobody counts it but who looks. */
import { statfsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import type { DiskHold, LimitHit } from './hold.ts'
import type { Isolator, Wanted } from './isolator.ts'
import type { DiskUse } from './looks/disk-use.ts'
import { inMib } from './memory.ts'

const GIB = 1024 ** 3
/** Who asked for none may take this part of the agent's disk, and so much at most. */
const DEFAULT_PART = 0.1
const DEFAULT_BYTES_MAX = 10 * GIB
/** Small files fill the disk's table of files before the disk: as many as pages would fit. */
const BYTES_PER_FILE = 4096
const FILES_MIN = 100_000

/** A sandbox that nothing happens in is looked at so often. Source: Mesos, `disk/du`. */
export const DISK_LOOK_MS = 15_000
/** A new one, and one that grows fast. */
export const DISK_LOOK_MS_FIRST = 1_000
export const DISK_LOOK_MS_MIN = 250
/** So little of a processor's time, as there is one thread for all, goes into one sandbox. */
const MS_PER_FILE = 0.05
/** For so long a task may keep a folder to itself: tests of rights do it for a moment. */
export const UNSEEN_MS_MAX = 30_000

export const diskIsolator: Isolator = {
  name: 'disk',
  open: ({ defaultDiskBytes: bytes }) => ({
    works: {
      prepare(wanted) {
        const hold = diskHold(wanted, bytes)
        return hold && { hold }
      },
    },
    missing: [],
  }),
}

/** What a task that asked for no disk may take of the one that the sandboxes are on. */
export function defaultDiskBytes(workDir: string): number {
  const { blocks, bsize } = statfsSync(workDir)
  return Math.floor(Math.min(DEFAULT_BYTES_MAX, blocks * bsize * DEFAULT_PART))
}

/** How much is free, and of how much. */
export async function readSpace(path: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(path)
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize }
}

export function diskHold(
  { sandboxPath, diskBytes = 0 }: Pick<Wanted, 'diskBytes' | 'sandboxPath'>,
  defaultBytes: number,
): DiskHold | undefined {
  if (sandboxPath === undefined) return undefined
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

export interface DiskLook {
  readonly bytes: number
  readonly files: number
  /** Since the look before; 0 at first. */
  readonly grownBytes: number
  readonly overMs: number
}

/**
 * When it is looked at again: less and less often while nothing happens, and before it can be full
 * if it goes on as it did.
 */
export function nextDiskLookMs(hold: DiskHold, look: DiskLook, lastMs: number): number {
  const calmMs = Math.min(DISK_LOOK_MS, lastMs * 2)
  const perMs = look.overMs > 0 ? Math.max(0, look.grownBytes) / look.overMs : 0
  const halfWayMs = perMs > 0 ? (hold.bytesMax - look.bytes) / perMs / 2 : calmMs
  return Math.max(restMs(look), Math.min(calmMs, halfWayMs))
}

/** After a look, it is let alone for so long, whatever happens. */
export function restMs(look: Pick<DiskUse, 'files'> | undefined): number {
  return look === undefined ? 0 : Math.max(DISK_LOOK_MS_MIN, look.files * MS_PER_FILE)
}

/** So much is to stay free for what else runs here. */
const RESERVE_BYTES_MAX = GIB
const RESERVE_PART = 0.02
/** Who has grown by less does not fill it. */
export const FILLER_BYTES_MIN = 1024 * 1024
/** They fill it whose growth is this part of what it lost. The rest may be anybody's. */
const FILLERS_PART = 0.5

export interface DiskSpace {
  readonly freeBytes: number
  readonly sizeBytes: number
}

/** How much is to stay free. */
export const reserveOf = ({ sizeBytes }: DiskSpace): number =>
  Math.min(RESERVE_BYTES_MAX, sizeBytes * RESERVE_PART)

/** A sandbox, and how it stood when it was looked at last. */
export interface Grown {
  readonly hold: DiskHold
  readonly bytes: number
  readonly grownBytes: number
  /** By so much less is free on the disk since it began to grow by that. */
  readonly lostBytes: number
}

/**
 * Of those that take more than they asked for, who fills a disk on which almost nothing is free:
 * who has grown most. Nobody, if something else than they takes what the disk has lost, or if it
 * has become emptier meanwhile.
 */
export function fillerOf<Each extends Grown>(
  all: readonly Each[],
  space: DiskSpace,
): Each | undefined {
  if (space.freeBytes >= reserveOf(space)) return undefined
  const growing = all.filter(
    ({ hold, bytes, grownBytes, lostBytes }) =>
      grownBytes >= FILLER_BYTES_MIN && bytes > hold.askedBytes && lostBytes >= 0,
  )
  const parts = growing.map(({ grownBytes, lostBytes }) => grownBytes / Math.max(1, lostBytes))
  if (parts.reduce((sum, part) => sum + part, 0) < FILLERS_PART) return undefined
  return growing.reduce<Each | undefined>(
    (most, one) => (most === undefined || one.grownBytes > most.grownBytes ? one : most),
    undefined,
  )
}

export function fillerHit({ hold, bytes, grownBytes }: Grown, space: DiskSpace): LimitHit {
  const asked = hold.askedBytes > 0 ? `${inMib(hold.askedBytes)} of disk` : 'no disk'
  return {
    reason: 'CONTAINER_LIMITATION_DISK',
    message: `the agent's disk was almost full, with ${inMib(space.freeBytes)} free: the task asked for ${asked}, took ${inMib(bytes)} and had just grown by ${inMib(grownBytes)}`,
    ends: true,
  }
}
