/**
 * How much of the disk a sandbox takes, by looking at all of it. What is inside is hostile: it
 * moves while it is looked at, is deeper than a path is long, and full of names that are no text.
 */
import { execFileSync } from 'node:child_process'
import { type Dir, lstatSync, opendirSync, readdirSync, readlinkSync, statSync } from 'node:fs'

export interface DiskUse {
  readonly bytes: number
  /** Files and folders. */
  readonly files: number
  /** False: it was more than enough, so nobody looked at the rest. */
  readonly isWhole: boolean
}

export interface DiskQuestion {
  readonly path: string
  /** Its processes, in whose hands files without a name may be. */
  readonly pids: readonly number[]
  /** Of more than this nothing more is counted. */
  readonly stopBytes: number
  readonly stopFiles: number
}

const BLOCK_BYTES = 512
/** Of a folder, so many names at once: a folder of ten million names is no list in memory. */
const NAMES_AT_ONCE = 256
/** After so many files others have their turn. */
const FILES_PER_TURN = 200

interface Sum {
  bytes: number
  files: number
  /** Files of several names that were counted. */
  readonly several: Set<number>
}

/** Looks a little further at each step. What is on another disk, or gone, counts nothing. */
export function* diskUse(question: DiskQuestion): Generator<undefined, DiskUse> {
  const { stopBytes, stopFiles } = question
  const path = Buffer.from(question.path).toString('latin1')
  const sum: Sum = { bytes: 0, files: 0, several: new Set() }
  const disk = diskOf(path)
  if (disk === undefined) return { bytes: 0, files: 0, isWhole: true }
  addFile(sum, path, disk)
  const isEnough = (): boolean => sum.bytes > stopBytes || sum.files > stopFiles
  const folders = [path]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of namesIn(folder)) {
      const seen = addFile(sum, `${folder}/${name}`, disk)
      if (seen === 'too deep') return deepUse(question.path)
      if (seen === 'folder') folders.push(`${folder}/${name}`)
      if (isEnough()) return { bytes: sum.bytes, files: sum.files, isWhole: false }
      if (sum.files % FILES_PER_TURN === 0) yield
    }
  }
  for (const pid of question.pids) {
    addNameless(sum, pid, disk)
    yield
  }
  return { bytes: sum.bytes, files: sum.files, isWhole: !isEnough() }
}

function diskOf(path: string): number | undefined {
  try {
    return lstatSync(bytesOf(path)).dev
  } catch {
    // It is not there any more.
    return undefined
  }
}

/** Undefined: there is nothing to count. */
function addFile(sum: Sum, path: string, disk: number): 'file' | 'folder' | 'too deep' | undefined {
  try {
    const stats = lstatSync(bytesOf(path))
    const { dev, ino, nlink, blocks } = stats
    const isFolder = stats.isDirectory()
    if (dev !== disk || (!isFolder && nlink > 1 && wasThere(sum.several, ino))) return undefined
    sum.files += 1
    sum.bytes += blocks * BLOCK_BYTES
    return isFolder ? 'folder' : 'file'
  } catch (error) {
    // Else it was removed meanwhile.
    return isTooLong(error) ? 'too deep' : undefined
  }
}

const isTooLong = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException).code === 'ENAMETOOLONG'

function wasThere(several: Set<number>, ino: number): boolean {
  if (several.has(ino)) return true
  several.add(ino)
  return false
}

/** Each byte of a name is a character. */
function* namesIn(path: string): Generator<string> {
  let folder: Dir | undefined
  try {
    folder = opendirSync(bytesOf(path) as unknown as string, OPENING)
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) yield entry.name
  } catch {
    // Removed meanwhile, or nobody may look into it but its user, who is not us.
  } finally {
    closeQuietly(folder)
  }
}

const OPENING = { encoding: 'latin1', bufferSize: NAMES_AT_ONCE } as const

function closeQuietly(folder: Dir | undefined): void {
  try {
    folder?.closeSync()
  } catch {
    // It was closed.
  }
}

const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1')

/** du(1) goes down step by step, where a path is too long for the kernel. */
function deepUse(path: string): DiskUse {
  const args = ['-s', '-k', '-x', '--', path]
  const options = { timeout: DEEP_MS_MAX, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
  let text: string
  try {
    text = execFileSync('du', args, options as { encoding: 'utf8' })
  } catch (error) {
    // Something was removed while it looked: then it says so, and the sum of the rest.
    text = String((error as { stdout?: string }).stdout ?? '')
  }
  const kib = Number(/^\d+/.exec(text)?.[0] ?? 0)
  return { bytes: kib * 1024, files: 0, isWhole: true }
}

const DEEP_MS_MAX = 60_000

/** What a process holds open on that disk after its last name was removed. */
function addNameless(sum: Sum, pid: number, disk: number): void {
  for (const path of openFiles(pid)) {
    try {
      if (!readlinkSync(path).endsWith(' (deleted)')) continue
      const { dev, ino, nlink, blocks } = statSync(path)
      if (dev !== disk || nlink > 0 || wasThere(sum.several, ino)) continue
      sum.files += 1
      sum.bytes += blocks * BLOCK_BYTES
    } catch {
      // Closed meanwhile.
    }
  }
}

/** Paths that lead to what a process has open. */
export function openFiles(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => `/proc/${pid}/fd/${name}`)
  } catch {
    // It has ended, or is not ours to look at.
    return []
  }
}
