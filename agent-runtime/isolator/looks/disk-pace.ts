/** How often a sandbox is looked at. */
import type { DiskHold } from '../hold.ts'
import type { DiskUse } from './disk-use.ts'

/** A sandbox that nothing happens in is looked at so often. Source: Mesos, `disk/du`. */
export const DISK_LOOK_MS = 15_000
/** A new one, and one that grows fast. */
export const DISK_LOOK_MS_FIRST = 1_000
export const DISK_LOOK_MS_MIN = 250
/** So little of a processor's time, as there is one thread for all, goes into one sandbox. */
const MS_PER_FILE = 0.05
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
