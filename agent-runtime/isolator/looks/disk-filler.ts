/** Who fills a disk on which almost nothing is free. */
import { statfs } from 'node:fs/promises'
import type { DiskHold, LimitHit } from '../hold.ts'
import { GIB, inMib } from '../mib.ts'

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

/** How much is free, and of how much. */
export async function readSpace(path: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(path)
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize }
}
