/** How free the disk was of late, and how much a sandbox grew: who fills it is found by both. */
import { type DiskSpace, FILLER_BYTES_MIN, reserveOf } from './disk-filler.ts'

export interface SpaceReading extends DiskSpace {
  readonly atMs: number
}

/** Readings that are kept, one for each second: a huge sandbox is looked at no more often. */
const READINGS_MAX = 600
/** If the disk is full so soon, who fills it is looked for now. */
const FULL_WITHIN_MS = 30_000

export class SpaceHistory {
  #readings: SpaceReading[] = []
  /** The most that was free since the disk was judged. */
  #judgedFreeBytes = 0

  /** Nobody read it for a while. */
  clear(): void {
    this.#readings = []
    this.#judgedFreeBytes = 0
  }

  note(reading: SpaceReading): void {
    this.#judgedFreeBytes = Math.max(this.#judgedFreeBytes, reading.freeBytes)
    this.#readings.push(reading)
    if (this.#readings.length > READINGS_MAX) this.#readings.shift()
  }

  /**
   * Almost nothing is free, or soon will be, and less than when it was judged: a disk that is just
   * always full is nobody's doing.
   */
  get isToJudge(): boolean {
    const [before, now] = this.#readings.slice(-2)
    if (before === undefined || now === undefined) return false
    const hasFallen = this.#judgedFreeBytes - now.freeBytes >= FILLER_BYTES_MIN
    return hasFallen && isFillingUp(before, now)
  }

  /** It is to be judged again, whether less is free or not. */
  reopen(): void {
    this.#judgedFreeBytes = Number.POSITIVE_INFINITY
  }

  /**
   * It was judged, and of each sandbox it was known what it took. One that only will be full soon
   * is not judged for good: the rest may come too slowly to be seen.
   */
  settle(): void {
    const now = this.#readings.at(-1)
    if (now !== undefined && isFull(now)) this.#judgedFreeBytes = now.freeBytes
  }

  /** By how much less is free than was then; below 0: there is more. */
  lostSince(atMs: number): number {
    const then = this.#readings.findLast((reading) => reading.atMs <= atMs) ?? this.#readings[0]
    const now = this.#readings.at(-1)
    return then === undefined || now === undefined ? 0 : then.freeBytes - now.freeBytes
  }
}

const isFull = (now: DiskSpace): boolean => now.freeBytes < reserveOf(now)

/** Almost nothing is free, or soon will be. */
function isFillingUp(before: SpaceReading, now: SpaceReading): boolean {
  if (isFull(now)) return true
  const left = now.freeBytes - reserveOf(now)
  const perMs = (before.freeBytes - now.freeBytes) / Math.max(1, now.atMs - before.atMs)
  return perMs > 0 && left / perMs < FULL_WITHIN_MS
}

/** What a sandbox took at a time. */
export interface Mark {
  readonly bytes: number
  readonly atMs: number
}

/** Growth is counted from `since`: undefined, nobody knows yet what it took. */
export interface Marks {
  readonly since?: Mark
  /** Takes its place. */
  readonly later?: Mark
}

/** Growth is that of so long at least, and twice as long at most, if looks are frequent. */
const SINCE_MS = 15_000

export function nextMarks({ since, later }: Marks, look: Mark): Marks {
  if (since === undefined) return { since: look }
  if (look.atMs - (later ?? since).atMs < SINCE_MS) return { since, ...(later && { later }) }
  return { since: later ?? since, later: look }
}
