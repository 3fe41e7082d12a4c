/**
 * How much of the disk a sandbox takes, by looking at all of it. What is inside is hostile: it
 * moves while it is looked at, is deeper than a path is long, and full of names that are no text.
 */
import { lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { bytesOf, filesBelow, type Unseen, unseenOf } from './disk-walk.ts'

export interface DiskUse {
  readonly bytes: number
  /** Files and folders. */
  readonly files: number
  /** False: it was more than enough, so nobody looked at the rest. */
  readonly isWhole: boolean
  /** There is more that could not be looked at, and why: nobody knows how much it is. */
  readonly unseen?: Unseen
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
/** After so many files others have their turn. */
const FILES_PER_TURN = 200
/** Of more files of several names, each name is counted as its part: memory has an end. */
const SEVERAL_MAX = 50_000

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
  const told = (unseen: Unseen | undefined): DiskUse => {
    const counted = { bytes: Math.ceil(sum.bytes), files: Math.ceil(sum.files) }
    return { ...counted, isWhole: !isEnough(), ...(unseen && { unseen }) }
  }
  let unseen: Unseen | undefined
  let looked = 0
  for (const part of filesBelow(path, (name) => addFile(sum, name, disk))) {
    if (unseen === undefined || unseen === 'failed') unseen = part ?? unseen
    if (isEnough()) return told(unseen)
    looked += 1
    if (looked % FILES_PER_TURN === 0) yield
  }
  const held = new Set<number>()
  for (const pid of question.pids) {
    addNameless(sum, { pid, disk, held })
    if (isEnough()) break
    yield
  }
  return told(unseen)
}

function diskOf(path: string): number | undefined {
  try {
    return lstatSync(bytesOf(path)).dev
  } catch {
    // It is not there any more.
    return undefined
  }
}

/** Undefined: there is nothing to look into. */
function addFile(sum: Sum, path: string, disk: number): 'folder' | Unseen | undefined {
  try {
    const stats = lstatSync(bytesOf(path))
    const { dev, ino, nlink, blocks } = stats
    if (dev !== disk) return undefined
    const isFolder = stats.isDirectory()
    const part = isFolder ? 1 : partOf(sum.several, ino, nlink)
    sum.files += part
    sum.bytes += part * blocks * BLOCK_BYTES
    return isFolder ? 'folder' : undefined
  } catch (error) {
    // Nothing of a disk refuses root but what somebody else mounted there: it is another disk.
    const unseen = unseenOf(error)
    return unseen === 'closed' && process.getuid?.() === 0 ? undefined : unseen
  }
}

/** 0: it was counted under another name. */
function partOf(several: Set<number>, ino: number, nlink: number): number {
  if (nlink <= 1) return 1
  if (several.has(ino)) return 0
  if (several.size >= SEVERAL_MAX) return 1 / nlink
  several.add(ino)
  return 1
}

/** What a process holds open on that disk after its last name was removed. */
function addNameless(
  sum: Sum,
  { pid, disk, held }: { pid: number; disk: number; held: Set<number> },
): void {
  for (const path of openFiles(pid)) {
    try {
      if (!readlinkSync(path).endsWith(' (deleted)')) continue
      const { dev, ino, nlink, blocks } = statSync(path)
      if (dev !== disk || nlink > 0 || held.has(ino)) continue
      if (held.size < SEVERAL_MAX) held.add(ino)
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
