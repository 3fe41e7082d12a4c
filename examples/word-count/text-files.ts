/** The text files below a folder. */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { TextFile } from './split.ts'

export interface FolderText {
  readonly files: readonly TextFile[]
  /** Files that hold a NUL byte early on, as git and grep tell what is no text. */
  readonly notText: number
  readonly unreadable: number
}

/** What programs have put there. */
const PASSED_OVER: ReadonlySet<string> = new Set(['node_modules', 'dist', 'package-lock.json'])
const LOOK_BYTES = 8_192

/**
 * All of them, by path. Hidden ones, `node_modules`, `dist`, `package-lock.json`, empty files and
 * symbolic links are passed over.
 *
 * @throws {Error} of Node: the folder itself cannot be read.
 */
export function findTextFiles(folder: string): FolderText {
  const found = { files: [] as TextFile[], notText: 0, unreadable: 0 }
  const folders = ['.']
  for (let below = folders.pop(); below !== undefined; below = folders.pop()) {
    for (const entry of entriesOf(folder, below, found)) {
      if (entry.name.startsWith('.') || PASSED_OVER.has(entry.name)) continue
      const path = below === '.' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile()) look(folder, path, found)
    }
  }
  found.files.sort((a, b) => (a.path < b.path ? -1 : 1))
  return found
}

function entriesOf(folder: string, below: string, found: { unreadable: number }) {
  try {
    return readdirSync(join(folder, below), { withFileTypes: true })
  } catch (error) {
    if (below === '.') throw error
    found.unreadable += 1
    return []
  }
}

function look(
  folder: string,
  path: string,
  found: { readonly files: TextFile[]; notText: number; unreadable: number },
): void {
  try {
    withFile(folder, path, (fd) => {
      const begin = Buffer.alloc(LOOK_BYTES)
      const length = readSync(fd, begin, 0, LOOK_BYTES, 0)
      if (begin.subarray(0, length).includes(0)) found.notText += 1
      else if (length > 0) found.files.push({ path, bytes: fstatSync(fd).size })
    })
  } catch {
    // Not ours to read, or its name is no UTF-8: it cannot be named to a task.
    found.unreadable += 1
  }
}

/** See `SplitOptions`. @throws {Error} of Node: the file cannot be read. */
export function wordEndIn(folder: string, path: string, offset: number): number {
  return withFile(folder, path, (fd) => {
    const bytes = Buffer.alloc(LOOK_BYTES)
    for (let from = offset; ; from += LOOK_BYTES) {
      const length = readSync(fd, bytes, 0, LOOK_BYTES, from)
      const end = bytes.subarray(0, length).findIndex((byte) => !isLetter(byte))
      if (end >= 0) return from + end
      if (length < LOOK_BYTES) return from + length
    }
  })
}

/** ASCII: setting bit 5 makes a letter small. */
const isLetter = (byte: number): boolean => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a

function withFile<T>(folder: string, path: string, use: (fd: number) => T): T {
  const fd = openSync(join(folder, path), 'r')
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}
