/**
 * Goes through all that is below a folder, in bounded memory, however deep or wide it is. Each byte
 * of a name is a character.
 */
import { closeSync, constants, type Dir, opendirSync, openSync } from 'node:fs'

/** `closed`: only its user may look into it, who is not us. `failed`: not by the task's doing. */
export type Unseen = 'closed' | 'too deep' | 'failed'

/** Of a folder, so many names at once: a folder of ten million names is no list in memory. */
const NAMES_AT_ONCE = 256
/** So many folders of one are known before they are gone into, and it is read on after that. */
const PENDING_MAX = 100
/** Longer paths begin anew from an open folder: the kernel takes 4,096 bytes, a name has 255. */
const PATH_LENGTH_MAX = 2_048
/** Folders that are kept open, of what the agent may have open. */
const OPEN_MAX = 32
/** Characters of all paths and names that are kept. */
const KEPT_MAX = 2 * 1024 * 1024

type See = (path: string) => 'folder' | Unseen | undefined

interface Folder {
  readonly path: string
  /** Undefined: it was read to its end. */
  dir: Dir | undefined
  /** Paths begin with it. */
  readonly base: number | undefined
  /** Names of folders in it, into which nobody has gone yet. */
  readonly pending: string[]
}

/**
 * Tells of each file to `see`, which says whether it is a folder to go into. Yields for each file,
 * undefined or why something could not be seen.
 */
export function* filesBelow(root: string, see: See): Generator<Unseen | undefined> {
  const way = new Way()
  try {
    yield way.enter(root)
    for (let folder = way.last; folder !== undefined; folder = way.last) {
      const name = way.isToRead(folder) ? undefined : way.takePending(folder)
      yield name === undefined ? readOn(way, folder, see) : way.enter(`${folder.path}/${name}`)
    }
  } finally {
    while (way.last !== undefined) way.leave()
  }
}

function readOn(way: Way, folder: Folder, see: See): Unseen | undefined {
  const found = way.read(folder)
  if (found === undefined) way.leave()
  if (typeof found !== 'string') return found?.unseen
  const seen = see(`${folder.path}/${found}`)
  if (seen !== 'folder') return seen
  way.keepPending(folder, found)
  return undefined
}

/** The folders from the first to where somebody looks now. */
class Way {
  readonly #folders: Folder[] = []
  #open = 0
  #kept = 0

  get last(): Folder | undefined {
    return this.#folders.at(-1)
  }

  isToRead({ dir, pending }: Folder): boolean {
    return dir !== undefined && pending.length < PENDING_MAX
  }

  keepPending(folder: Folder, name: string): void {
    folder.pending.push(name)
    this.#kept += name.length
  }

  takePending({ pending }: Folder): string | undefined {
    const name = pending.pop()
    this.#kept -= name?.length ?? 0
    return name
  }

  enter(path: string): Unseen | undefined {
    if (this.#open + 2 > OPEN_MAX || this.#kept > KEPT_MAX) return 'too deep'
    let base: number | undefined
    try {
      base = path.length > PATH_LENGTH_MAX ? openSync(bytesOf(path), FOLDER) : undefined
      const from = base === undefined ? path : `/proc/self/fd/${base}`
      const dir = opendirSync(bytesOf(from) as unknown as string, OPENING)
      this.#folders.push({ path: from, dir, base, pending: [] })
      this.#open += base === undefined ? 1 : 2
      this.#kept += from.length
      return undefined
    } catch (error) {
      if (base !== undefined) closeSync(base)
      return unseenOf(error)
    }
  }

  /** The next name; undefined at the end. */
  read(folder: Folder): string | { readonly unseen: Unseen | undefined } | undefined {
    if (folder.dir === undefined) return undefined
    try {
      const entry = folder.dir.readSync()
      if (entry !== null) return entry.name
      this.#close(folder)
      return { unseen: undefined }
    } catch (error) {
      this.#close(folder)
      return { unseen: unseenOf(error) }
    }
  }

  leave(): void {
    const folder = this.#folders.pop()
    if (folder === undefined) return
    this.#close(folder)
    while (folder.pending.length > 0) this.takePending(folder)
    this.#kept -= folder.path.length
    if (folder.base === undefined) return
    closeSync(folder.base)
    this.#open -= 1
  }

  #close(folder: Folder): void {
    if (folder.dir === undefined) return
    folder.dir.closeSync()
    folder.dir = undefined
    this.#open -= 1
  }
}

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const OPENING = { encoding: 'latin1', bufferSize: NAMES_AT_ONCE } as const

export const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1')

/** Undefined: it was removed meanwhile, or something else has its place. */
export function unseenOf(error: unknown): Unseen | undefined {
  const { code = '' } = error as NodeJS.ErrnoException
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ESTALE'].includes(code)) return undefined
  return code === 'EACCES' || code === 'EPERM' ? 'closed' : 'failed'
}
