/** Looking into a sandbox: folders in pages, files in pieces. What is inside is hostile. */
import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, lstat, open, opendir } from 'node:fs/promises'
import {
  SANDBOX_ENTRY_BYTES,
  SANDBOX_PIECE_BYTES_MAX,
  TIME_AT_MS_MAX,
} from '../../protocol/limits.ts'
import {
  type LookRefused,
  lookRefused,
  namesOf,
  type OpenPlace,
  pathIn,
  pathOfHandle,
  refusedBy,
  targetOf,
  walk,
} from './walk.ts'

/** What is looked at. Paths and names are bytes, as the system has them. */
export interface Look {
  /** Relative to the sandbox; empty: the sandbox itself. */
  readonly path: Uint8Array
  /** `list`: a folder's entries, or what else is there; `read`: the bytes of a file. */
  readonly want: 'list' | 'read'
  /** Of a folder: the entries that come after this name, in the order of bytes. */
  readonly after?: Uint8Array
  /** Of a file: from this byte on. */
  readonly offset: number
  /** Of a file: so many bytes at most. */
  readonly bytesMax: number
}

export interface SandboxEntry {
  readonly name: Uint8Array
  readonly type: 'file' | 'folder' | 'link' | 'pipe' | 'socket' | 'device'
  readonly sizeBytes: number
  /** Permissions: the lowest twelve bits. */
  readonly mode: number
  /** Wall time. */
  readonly changedAtMs: number
  /** Where a link leads to, or its begin: nobody goes there. */
  readonly target?: Uint8Array
}

/** A piece of the answer; a refusal is the only one or the last. */
export type Seen =
  /** It is no folder. */
  | { readonly kind: 'entry'; readonly entry: SandboxEntry }
  /** `more`: others come behind the last one, and are to be asked for. */
  | {
      readonly kind: 'folder'
      readonly entries: SandboxEntry[]
      readonly more: boolean
    }
  /**
   * Bytes from `offset` on: `data`, or so many zeros, or so many that the agent has taken away
   * (`goneBytes`). None of them: there are none.
   */
  | {
      readonly kind: 'file'
      readonly offset: number
      /** How long the file is now. */
      readonly sizeBytes: number
      /** Differs when another file has taken its place. */
      readonly version: string
      readonly mode: number
      readonly data: Uint8Array
      readonly zeroBytes?: number
      readonly goneBytes?: number
    }
  | LookRefused

/** Names looked at for one answer. */
const NAMES_MAX = 4_000
/** Some file systems keep shorter files where others keep only what they know of them. */
const HOLE_BYTES_MIN = 1024 * 1024

const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

export const NO_SANDBOX = lookRefused('not-found', 'its sandbox is not here any more')

export interface Looked {
  /** The folder of all sandboxes, and the names that lead from there to the one looked into. */
  readonly root: string
  readonly sandbox: readonly string[]
  readonly look: Look
  /** How much of an output file's begin the agent has taken away. */
  readonly goneBytesOf: (name: string) => number
}

/** Pieces of what is there. Whoever stops early ends it by `return`. */
export async function* lookInto(looked: Looked): AsyncGenerator<Seen> {
  const names = namesOf(looked.look.path)
  if ('kind' in names) return yield names
  const above = looked.sandbox.map((name) => Buffer.from(name))
  const home = await walk(looked.root, above)
  if ('kind' in home) return yield NO_SANDBOX
  await home.handle.close()
  const place = await walk(looked.root, [...above, ...names])
  if ('kind' in place) return yield place
  try {
    yield* look(place, { ...looked, uid: home.stats.uid, names })
  } finally {
    await place.handle.close()
  }
}

interface Inside extends Looked {
  /** Whose the sandbox is. */
  readonly uid: bigint
  readonly names: readonly Uint8Array[]
}

async function* look(place: OpenPlace, inside: Inside): AsyncGenerator<Seen> {
  const { stats, handle } = place
  const { want, after } = inside.look
  if (want === 'list') {
    if (stats.isDirectory()) return yield* listFolder(handle, after, inside)
    return yield { kind: 'entry', entry: entryOfPlace(place, inside) }
  }
  const problem = problemOfFile(stats, inside.uid)
  if (problem !== undefined) return yield lookRefused('not-a-file', problem)
  yield* readFile(place, inside)
}

function problemOfFile(stats: BigIntStats, uid: bigint): string | undefined {
  if (stats.isDirectory()) return 'it is a folder'
  if (stats.isSymbolicLink()) return 'it is a symbolic link, which is not followed'
  if (!stats.isFile()) return `it is a ${typeOf(stats)}, which is not read`
  if (stats.nlink > 1n && stats.uid !== uid)
    return "it is a hard link to a file of another user than the sandbox's"
  return undefined
}

function typeOf(stats: BigIntStats): SandboxEntry['type'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'folder'
  if (stats.isSymbolicLink()) return 'link'
  if (stats.isFIFO()) return 'pipe'
  return stats.isSocket() ? 'socket' : 'device'
}

/** A file may say any time that fits into 64 bits. */
const timeOf = ({ mtimeMs }: BigIntStats): number =>
  Math.min(Math.max(0, Number(mtimeMs)), TIME_AT_MS_MAX)

/** A file of holes may be as long as a disk has no bytes; beyond this nobody can count. */
const sizeOf = (size: bigint | number): number => Math.min(Number(size), Number.MAX_SAFE_INTEGER)

function entryOf(name: Uint8Array, stats: BigIntStats, goneBytes: number): SandboxEntry {
  return {
    name,
    type: typeOf(stats),
    sizeBytes: stats.isFile() ? Math.max(0, sizeOf(stats.size) - goneBytes) : 0,
    mode: Number(stats.mode & 0o7777n),
    changedAtMs: timeOf(stats),
  }
}

/** What is taken away of output files, which lie in the sandbox itself. */
function goneBytesOf({ names, goneBytesOf: gone }: Inside, below?: string): number {
  const path = below === undefined ? names.map(String) : [...names.map(String), below]
  return path.length === 1 ? gone(path[0] ?? '') : 0
}

function entryOfPlace({ stats, target }: OpenPlace, inside: Inside): SandboxEntry {
  const entry = entryOf(inside.names.at(-1) ?? new Uint8Array(), stats, goneBytesOf(inside))
  return target === undefined ? entry : { ...entry, target }
}

async function* listFolder(
  folder: FileHandle,
  after: Uint8Array | undefined,
  inside: Inside,
): AsyncGenerator<Seen> {
  const found = await namesIn(folder, after).catch(refusedBy)
  if ('kind' in found) return yield found
  let entries: SandboxEntry[] = []
  let bytes = 0
  for (const name of found.names) {
    const entry = await entryIn(folder, name, inside)
    if (entry === undefined) continue
    const entryBytes = SANDBOX_ENTRY_BYTES + entry.name.length + (entry.target?.length ?? 0)
    if (bytes + entryBytes > SANDBOX_PIECE_BYTES_MAX) {
      yield { kind: 'folder', entries, more: true }
      entries = []
      bytes = 0
    }
    entries.push(entry)
    bytes += entryBytes
  }
  yield { kind: 'folder', entries, more: found.more }
}

/**
 * The first names behind `after`, in the order of bytes. A folder may have millions, so no more
 * than twice as many as are wanted are ever held.
 */
async function namesIn(
  folder: FileHandle,
  after: Uint8Array | undefined,
): Promise<{ readonly names: readonly string[]; readonly more: boolean }> {
  const behind = after === undefined ? '' : Buffer.from(after).toString('latin1')
  let names: string[] = []
  let more = false
  let last: string | undefined
  const cut = (): void => {
    names.sort((a, b) => (a < b ? -1 : 1))
    if (names.length > NAMES_MAX) {
      more = true
      names = names.slice(0, NAMES_MAX)
      last = names.at(-1)
    }
  }
  // A letter for each byte: any name survives, and letters are ordered as bytes are.
  const encoding = 'latin1' as BufferEncoding
  for await (const { name } of await opendir(pathOfHandle(folder), { encoding, bufferSize: 512 })) {
    if (name <= behind) continue
    if (last !== undefined && name > last) continue
    names.push(name)
    if (names.length >= 2 * NAMES_MAX) cut()
  }
  cut()
  return { names, more }
}

/** Undefined: it is gone already. */
async function entryIn(
  folder: FileHandle,
  text: string,
  inside: Inside,
): Promise<SandboxEntry | undefined> {
  const name = Buffer.from(text, 'latin1')
  const path = pathIn(folder, name)
  const stats = await lstat(path, { bigint: true }).catch(() => undefined)
  if (stats === undefined) return undefined
  const entry = entryOf(name, stats, goneBytesOf(inside, text))
  return entry.type === 'link' ? { ...entry, target: await targetOf(path) } : entry
}

async function* readFile({ handle, stats }: OpenPlace, inside: Inside): AsyncGenerator<Seen> {
  const file = await open(pathOfHandle(handle), READ_FLAGS).catch(refusedBy)
  if ('kind' in file) return yield file
  try {
    const version = `${stats.dev}:${stats.ino}`
    const gone = (): number => goneBytesOf(inside)
    yield* pieces(file, { ...inside.look, version, mode: Number(stats.mode & 0o7777n), gone })
  } finally {
    await file.close()
  }
}

interface Reading {
  readonly offset: number
  readonly bytesMax: number
  readonly version: string
  readonly mode: number
  /** It may grow at any moment, and is noted before it does. */
  readonly gone: () => number
}

const NOTHING = new Uint8Array()

async function* pieces(
  file: FileHandle,
  { offset, bytesMax, version, mode, gone }: Reading,
): AsyncGenerator<Seen> {
  const end = sizeOf(offset + bytesMax)
  let zerosFrom = offset
  for (let at = offset; ; ) {
    const { size: bytes, blocks } = await file.stat()
    const size = sizeOf(bytes)
    const about = { kind: 'file', version, mode, sizeBytes: size } as const
    const isHole = blocks === 0 && size > HOLE_BYTES_MIN && at < size
    const length = Math.min(SANDBOX_PIECE_BYTES_MAX, size - at, end - at)
    const data = isHole ? NOTHING : await readAt(file, at, length)
    const goneNow = Math.min(gone(), size)
    if (at < goneNow) return yield { ...about, offset: at, data: NOTHING, goneBytes: goneNow - at }
    const isZero = data.every((byte) => byte === 0)
    const next = isHole ? size : at + data.length
    // Zeros are put together until something else comes, or nothing.
    const zeros = { ...about, offset: zerosFrom, data: NOTHING }
    if (!isZero && at > zerosFrom) yield { ...zeros, zeroBytes: at - zerosFrom }
    if (!isZero) {
      yield { ...about, offset: at, data }
      zerosFrom = next
    }
    const isOver = next === at || next >= end || next >= size
    if (isOver && (next > zerosFrom || next === offset))
      yield next > zerosFrom
        ? { ...zeros, zeroBytes: next - zerosFrom }
        : { ...about, offset, data }
    if (isOver) return
    at = next
  }
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  if (length <= 0) return NOTHING
  const buffer = new Uint8Array(length)
  const { bytesRead } = await file.read(buffer, 0, length, offset)
  return buffer.subarray(0, bytesRead)
}
