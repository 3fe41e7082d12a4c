/** Looks at the sandboxes of those that run: each now and then, all at once when the disk fills. */
import type { Clock } from '../../../bus/clock.ts'
import { diskLimitHit, filesMax, UNSEEN_MS_MAX, unseenHit } from '../disk.ts'
import type { DiskHold } from '../hold.ts'
import { type DiskSpace, fillerHit, fillerOf } from './disk-filler.ts'
import { DISK_LOOK_MS, DISK_LOOK_MS_FIRST, nextDiskLookMs, restMs } from './disk-pace.ts'
import { type Marks, nextMarks, SpaceHistory } from './disk-space.ts'
import type { DiskUse } from './disk-use.ts'
import { holdOf, type LookedAt } from './looked-at.ts'
import type { Looker } from './looker.ts'

interface Looked {
  readonly container: LookedAt
  readonly hold: DiskHold
  /** Undefined: nobody has looked yet. */
  use: DiskUse | undefined
  atMs: number
  marks: Marks
  /** A part of it could not be looked at since then. */
  unseenSinceMs: number | undefined
  everyMs: number
  dueMs: number
  /** The look that is under way. */
  asking: Promise<void> | undefined
}

export interface DiskLooksOptions {
  readonly clock: Clock
  readonly looker: Pick<Looker, 'disk'>
  /** Of the disk that the sandboxes are on. */
  readonly readSpace: () => Promise<DiskSpace>
}

/** Who wants to know waits no longer for a sandbox that is huge: its last figure is there. */
const ANSWER_MS_MAX = 2_000

export class DiskLooks {
  readonly #options: DiskLooksOptions
  readonly #all = new Map<string, Looked>()
  readonly #space = new SpaceHistory()
  #isJudging = false

  constructor(options: DiskLooksOptions) {
    this.#options = options
  }

  /** `isNew`: it took nothing until now. Else nobody knows how much of it is old. */
  add(container: LookedAt, isNew: boolean): void {
    const hold = holdOf(container, 'disk')
    if (hold === undefined || this.#all.has(container.id)) return
    if (this.#all.size === 0) this.#space.clear()
    // What it wrote until the next reading, no reading shows.
    if (isNew) this.#space.reopen()
    const atMs = this.#nowMs()
    const everyMs = DISK_LOOK_MS_FIRST
    this.#all.set(container.id, {
      container,
      hold,
      atMs,
      everyMs,
      dueMs: atMs + everyMs,
      use: undefined,
      unseenSinceMs: undefined,
      asking: undefined,
      marks: isNew ? { since: { bytes: 0, atMs } } : {},
    })
    if (this.#all.size === 1) void this.lookAtSpace()
  }

  forget(containerId: string): void {
    this.#all.delete(containerId)
  }

  /** Looks at those that are due. */
  tick(): void {
    const nowMs = this.#nowMs()
    for (const looked of this.#all.values()) if (looked.dueMs <= nowMs) void this.#look(looked)
  }

  /** How much it takes now or took when it was looked at last, as far as somebody can say. */
  async measure(containerId: string): Promise<number | undefined> {
    const looked = this.#all.get(containerId)
    if (looked === undefined) return undefined
    await this.#inTime(this.#look(looked))
    return looked.use?.bytes
  }

  /** Looks at the disk itself; call it now and then. */
  async lookAtSpace(): Promise<void> {
    if (this.#isJudging || this.#all.size === 0) return
    this.#isJudging = true
    try {
      await this.#readSpace()
      if (this.#space.isToJudge) await this.#judge()
    } catch {
      // The disk cannot be asked: each sandbox is looked at all the same.
    } finally {
      this.#isJudging = false
    }
  }

  async #readSpace(): Promise<DiskSpace> {
    const space = await this.#options.readSpace()
    this.#space.note({ ...space, atMs: this.#nowMs() })
    return space
  }

  /** By what there is in time: the disk goes on filling while a huge sandbox is looked at. */
  async #judge(): Promise<void> {
    const all = [...this.#all.values()]
    const nowMs = this.#nowMs()
    const rested = all.filter(({ atMs, use }) => nowMs - atMs >= restMs(use))
    const isInTime = await this.#inTime(Promise.all(rested.map((looked) => this.#look(looked))))
    const space = await this.#readSpace()
    if (isInTime && all.every(({ atMs, use }) => use !== undefined && atMs >= nowMs))
      this.#space.settle()
    const filler = fillerOf(
      [...this.#all.values()].flatMap(({ container, hold, use, marks: { since } }) => {
        if (use === undefined || since === undefined) return []
        const grown = { bytes: use.bytes, grownBytes: use.bytes - since.bytes }
        return [{ container, hold, ...grown, lostBytes: this.#space.lostSince(since.atMs) }]
      }),
      space,
    )
    filler?.container.limited(fillerHit(filler, space))
  }

  /** False: it takes longer. */
  #inTime(work: Promise<unknown>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.after(ANSWER_MS_MAX, () => resolve(false))
      void work.then(() => resolve(true), reject).finally(() => timer.cancel())
    })
  }

  #look(looked: Looked): Promise<void> {
    looked.asking ??= this.#ask(looked).finally(() => {
      looked.asking = undefined
    })
    return looked.asking
  }

  async #ask(looked: Looked): Promise<void> {
    const { container, hold } = looked
    const { place } = container
    if (place === undefined) return
    const stop = { stopBytes: hold.bytesMax, stopFiles: filesMax(hold) }
    const where = { path: hold.path, ...(place !== 'elsewhere' && { place }) }
    const use = await this.#options.looker.disk({ ...where, ...stop })
    if (use === undefined) this.#tryLater(looked)
    else this.#note(looked, use)
  }

  /** Whoever looked has died, perhaps of this one: others are to have their turn. */
  #tryLater(looked: Looked): void {
    looked.everyMs = Math.min(DISK_LOOK_MS, looked.everyMs * 2)
    looked.dueMs = this.#nowMs() + looked.everyMs
  }

  #note(looked: Looked, seen: DiskUse): void {
    const { container, hold, use: last, atMs, everyMs, marks } = looked
    const nowMs = this.#nowMs()
    // What was there when it could be seen is there still, as far as anybody knows.
    const bytes = seen.unseen === undefined ? seen.bytes : Math.max(seen.bytes, last?.bytes ?? 0)
    const use = { ...seen, bytes }
    looked.use = use
    looked.atMs = nowMs
    looked.marks = nextMarks(marks, { bytes, atMs: nowMs })
    const before = last ?? marks.since ?? use
    const look = { ...use, grownBytes: bytes - before.bytes, overMs: nowMs - atMs }
    looked.everyMs = nextDiskLookMs(hold, look, everyMs)
    looked.dueMs = nowMs + looked.everyMs
    const isShut = use.unseen === 'too deep' || (use.unseen === 'closed' && !hold.mayBeClosed)
    looked.unseenSinceMs = isShut ? (looked.unseenSinceMs ?? nowMs) : undefined
    const isUnseen = nowMs - (looked.unseenSinceMs ?? nowMs) >= UNSEEN_MS_MAX
    const hit = diskLimitHit(hold, use) ?? (isUnseen ? unseenHit(use) : undefined)
    if (hit !== undefined) container.limited(hit)
  }

  #nowMs(): number {
    return this.#options.clock.now().monotonicMs
  }
}
