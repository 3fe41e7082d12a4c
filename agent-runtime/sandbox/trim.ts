/**
 * Keeps the output of tasks short. Tasks write straight to files, and nobody stands between: what
 * has become too long loses its begin where it lies. A hole is made there (fallocate(2)), so no
 * byte that stays changes its place, no writer notices, and nothing that is written meanwhile is
 * lost.
 */
import { spawn } from 'node:child_process'
import { constants, lstatSync, type Stats } from 'node:fs'
import { type FileHandle, open, statfs } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Clock, Timer } from '../../bus/clock.ts'
import { goneBytesOf, noteGone, STREAMS } from './gone.ts'
import type { OutputLimits } from './output-limits.ts'
import type { Stream } from './sandboxes.ts'
import { type OpenPlace, pathOfHandle, walk } from './walk.ts'

/** So often everything is looked at; sooner where a fast writer could fill the disk meanwhile. */
const LOOK_MS_MAX = 1_000
const LOOK_MS_MIN = 100
/** More than a task writes to memory in a second. */
const FAST_BYTES_PER_S = 4 * 1024 ** 3
/** Sandboxes that are looked at before others have their turn. */
const LOOKED_AT_ONCE = 50
/** Some file systems have no files longer than sixteen of them. */
const LENGTH_BYTES_MAX = 1024 ** 4
const BLOCK_BYTES = 4_096
/** So much is copied at once where output begins anew: it may be half a GiB. */
const PIECE_BYTES = 1024 ** 2

export class OutputTrimmer {
  readonly #clock: Clock
  readonly #root: string
  readonly #watched = new Map<string, OutputLimits>()
  #timer: Timer | undefined
  #closed = false
  /** One hole is made at a time: each is a process that is started. */
  #working: Promise<void> = Promise.resolve()

  /** `root`: the folder of all sandboxes. */
  constructor(clock: Clock, root: string) {
    this.#clock = clock
    this.#root = root
    this.#lookLater(LOOK_MS_MAX)
  }

  watch(sandboxPath: string, limits: OutputLimits): void {
    this.#watched.set(sandboxPath, limits)
  }

  limitsOf(sandboxPath: string): OutputLimits | undefined {
    return this.#watched.get(sandboxPath)
  }

  /** Its task has ended. Resolves when its output is as short as it is to stay. */
  unwatch(sandboxPath: string): Promise<void> {
    const limits = this.#watched.get(sandboxPath)
    this.#watched.delete(sandboxPath)
    return limits === undefined ? this.#working : this.#trim(sandboxPath, limits)
  }

  /** Resolves when nothing is changed any more. */
  close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    return this.#working
  }

  #lookLater(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      void this.#look()
        // The disk does not say how much is free.
        .catch(() => LOOK_MS_MAX)
        .then((nextMs) => this.#closed || this.#lookLater(nextMs))
    })
  }

  async #look(): Promise<number> {
    if (this.#watched.size === 0) return LOOK_MS_MAX
    let looked = 0
    for (const [sandboxPath, limits] of this.#watched) {
      looked += 1
      if (looked % LOOKED_AT_ONCE === 0)
        await new Promise<void>((resolve) => this.#clock.soon(resolve))
      if (tooLong(sandboxPath, limits).length > 0) await this.#trim(sandboxPath, limits)
    }
    const { bavail, bsize } = await statfs(this.#root)
    const fillMs = (bavail * bsize * 1_000) / FAST_BYTES_PER_S
    return Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, fillMs / 4))
  }

  #trim(sandboxPath: string, limits: OutputLimits): Promise<void> {
    const root = this.#root
    this.#working = this.#working.then(async () => {
      for (const stream of tooLong(sandboxPath, limits))
        await trim({ root, sandboxPath, stream, bytesMax: bytesMaxOf(limits, stream) })
          // Gone, or not to be changed: the next look shows.
          .catch(() => undefined)
    })
    return this.#working
  }
}

const bytesMaxOf = (limits: OutputLimits, stream: Stream): number =>
  stream === 'stdout' ? limits.stdoutBytesMax : limits.stderrBytesMax

/** By what they take of the disk: what was taken away counts no more. */
function tooLong(sandboxPath: string, limits: OutputLimits): readonly Stream[] {
  return STREAMS.filter((stream) => {
    const found = seenAt(join(sandboxPath, stream))
    if (found === undefined || !found.isFile()) return false
    const { size, blocks } = found
    return Math.min(size, blocks * 512) > bytesMaxOf(limits, stream) || size > LENGTH_BYTES_MAX
  })
}

/** A task may have closed its sandbox to us, or have put anything in its place: that is its own. */
function seenAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

interface Trimmed {
  readonly root: string
  readonly sandboxPath: string
  readonly stream: Stream
  readonly bytesMax: number
}

async function trim({ root, sandboxPath, stream, bytesMax }: Trimmed): Promise<void> {
  const names = relative(root, sandboxPath).split('/')
  const home = await placeOf(root, names)
  const place = await placeOf(root, [...names, stream])
  try {
    if (home === undefined || place === undefined || !isOwn(place, home)) return
    const file = await open(pathOfHandle(place.handle), constants.O_RDWR)
    try {
      await shorten(file, { sandboxPath, stream, keepBytes: bytesMax / 2 })
    } finally {
      await file.close()
    }
  } finally {
    await home?.handle.close()
    await place?.handle.close()
  }
}

async function placeOf(root: string, names: readonly string[]): Promise<OpenPlace | undefined> {
  const place = await walk(
    root,
    names.map((name) => Buffer.from(name)),
  )
  return 'kind' in place ? undefined : place
}

/** A task may have put anything in its place, another user's file by another name, too. */
const isOwn = ({ stats }: OpenPlace, home: OpenPlace): boolean =>
  stats.isFile() && (stats.nlink === 1n || stats.uid === home.stats.uid)

interface Shortened {
  readonly sandboxPath: string
  readonly stream: Stream
  readonly keepBytes: number
}

async function shorten(
  file: FileHandle,
  { sandboxPath, stream, keepBytes }: Shortened,
): Promise<void> {
  const { size } = await file.stat()
  const goneBytes = Math.floor((size - keepBytes) / BLOCK_BYTES) * BLOCK_BYTES
  const before = goneBytesOf(sandboxPath, stream)
  if (goneBytes <= 0) return
  if (size <= LENGTH_BYTES_MAX) {
    noteGone(sandboxPath, stream, goneBytes)
    if (await makeHole(file, goneBytes)) return
    noteGone(sandboxPath, stream, before)
  }
  await beginAnew(file, keepBytes)
  noteGone(sandboxPath, stream, 0)
}

/** Frees what lies before `lengthBytes`. False: the file system cannot, or the tool is missing. */
function makeHole({ fd }: FileHandle, lengthBytes: number): Promise<boolean> {
  const args = ['--punch-hole', '--offset', '0', '--length', String(lengthBytes)]
  return new Promise((resolve) => {
    const child = spawn('fallocate', [...args, '/proc/self/fd/3'], {
      cwd: '/',
      stdio: ['ignore', 'ignore', 'ignore', fd],
    })
    child.on('error', () => resolve(false))
    child.on('close', (code) => resolve(code === 0))
  })
}

/**
 * Where no hole can be made. What is written between the last piece and the cut is lost. Of a file
 * that says more than it holds no more is kept than it can hold: a task can make it as long as it
 * likes at no cost.
 */
async function beginAnew(file: FileHandle, bytesMax: number): Promise<void> {
  const { size, blocks } = await file.stat()
  const keptBytes = Math.min(bytesMax, size, blocks * 512)
  const piece = Buffer.alloc(Math.min(keptBytes, PIECE_BYTES))
  const from = size - keptBytes
  let done = 0
  // What is written meanwhile is kept as well, unless a writer is faster.
  while (done < 2 * keptBytes) {
    const { bytesRead } = await file.read(piece, 0, piece.length, from + done)
    if (bytesRead === 0) break
    await file.write(piece, 0, bytesRead, done)
    done += bytesRead
  }
  await file.truncate(done)
}
