/** Looks at the sandboxes of those that run: each now and then, all at once when the disk fills. */
import { statfs } from 'node:fs/promises'
import type { Clock } from '../../bus/clock.ts'
import {
  DISK_LOOK_MS_FIRST,
  type DiskSpace,
  diskLimitHit,
  filesMax,
  fillerHit,
  fillerOf,
  nextDiskLookMs,
  reserveOf,
} from './disk.ts'
import type { DiskUse } from './disk-use.ts'
import type { DiskHold } from './isolator.ts'
import { holdOf, type LookedAt } from './looked-at.ts'
import type { Looker } from './looker.ts'

interface Looked {
  readonly container: LookedAt
  readonly hold: DiskHold
  bytes: number
  atMs: number
  /** How it stood a while ago. */
  since: { readonly bytes: number; readonly atMs: number }
  everyMs: number
  dueMs: number
  /** The look that is under way. */
  asking: Promise<number | undefined> | undefined
}

/** Who has grown within that may be who fills the disk. */
const SINCE_MS = 15_000
/** If the disk is full so soon, who fills it is looked for now. */
const FULL_WITHIN_MS = 30_000

export class DiskLooks {
  readonly #options: { readonly clock: Clock; readonly looker: Looker; readonly path: string }
  readonly #all = new Map<string, Looked>()
  #space: (DiskSpace & { readonly atMs: number }) | undefined
  #isJudging = false

  /** `path`: of the disk that the sandboxes are on. */
  constructor(options: { clock: Clock; looker: Looker; path: string }) {
    this.#options = options
  }

  add(container: LookedAt): void {
    const hold = holdOf(container, 'disk')
    if (hold === undefined) return
    const atMs = this.#nowMs()
    const everyMs = DISK_LOOK_MS_FIRST
    const paced = { atMs, everyMs, dueMs: atMs + everyMs, asking: undefined }
    const since = { bytes: 0, atMs }
    this.#all.set(container.id, { container, hold, bytes: 0, since, ...paced })
  }

  forget(containerId: string): void {
    this.#all.delete(containerId)
  }

  /** Looks at those that are due. */
  tick(): void {
    const nowMs = this.#nowMs()
    for (const looked of this.#all.values()) if (looked.dueMs <= nowMs) void this.#look(looked)
  }

  /** How much it takes now, as far as somebody can say. */
  async measure(containerId: string): Promise<number | undefined> {
    const looked = this.#all.get(containerId)
    return looked && (await this.#look(looked))
  }

  /** Looks at the disk itself; call it now and then. */
  async lookAtSpace(): Promise<void> {
    if (this.#isJudging || this.#all.size === 0) return
    this.#isJudging = true
    try {
      const before = this.#space
      const space = await this.#readSpace()
      if (before === undefined || !isFillingUp(before, space)) return
      await Promise.all([...this.#all.values()].map((looked) => this.#look(looked)))
      this.#endFiller(await this.#readSpace())
    } catch {
      // The disk cannot be asked: each sandbox is looked at all the same.
    } finally {
      this.#isJudging = false
    }
  }

  async #readSpace(): Promise<DiskSpace & { readonly atMs: number }> {
    const { bavail, blocks, bsize } = await statfs(this.#options.path)
    const read = { freeBytes: bavail * bsize, sizeBytes: blocks * bsize, atMs: this.#nowMs() }
    this.#space = read
    return read
  }

  #endFiller(space: DiskSpace): void {
    if (space.freeBytes >= reserveOf(space)) return
    const grown = [...this.#all.values()].map((looked) => ({
      ...looked,
      grownBytes: looked.bytes - looked.since.bytes,
    }))
    const filler = fillerOf(grown)
    filler?.container.limited(fillerHit(filler, space))
  }

  #look(looked: Looked): Promise<number | undefined> {
    looked.asking ??= this.#ask(looked).finally(() => {
      looked.asking = undefined
    })
    return looked.asking
  }

  async #ask(looked: Looked): Promise<number | undefined> {
    const { container, hold } = looked
    const { place } = container
    if (place === undefined) return undefined
    const stop = { stopBytes: hold.bytesMax, stopFiles: filesMax(hold) }
    const use = await this.#options.looker.disk({ path: hold.path, place, ...stop })
    if (use === undefined) looked.dueMs = this.#nowMs() + looked.everyMs
    else this.#note(looked, use)
    return use?.bytes
  }

  #note(looked: Looked, use: DiskUse): void {
    const { container, hold, bytes, atMs, everyMs } = looked
    const nowMs = this.#nowMs()
    if (nowMs - looked.since.atMs > SINCE_MS) looked.since = { bytes, atMs }
    looked.bytes = use.bytes
    looked.atMs = nowMs
    const look = { ...use, grownBytes: use.bytes - bytes, overMs: nowMs - atMs }
    looked.everyMs = nextDiskLookMs(hold, look, everyMs)
    looked.dueMs = nowMs + looked.everyMs
    const hit = diskLimitHit(hold, use)
    if (hit !== undefined) container.limited(hit)
  }

  #nowMs(): number {
    return this.#options.clock.now().monotonicMs
  }
}

type Read = DiskSpace & { readonly atMs: number }

/** Almost nothing is free, or soon will be. */
function isFillingUp(before: Read, { freeBytes, sizeBytes, atMs }: Read): boolean {
  const left = freeBytes - reserveOf({ freeBytes, sizeBytes })
  if (left <= 0) return true
  const perMs = (before.freeBytes - freeBytes) / Math.max(1, atMs - before.atMs)
  return perMs > 0 && left / perMs < FULL_WITHIN_MS
}
