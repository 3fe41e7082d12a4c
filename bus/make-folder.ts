/** Folders where a user wants them. */
import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ClusterError } from '../protocol/errors.ts'

/**
 * Makes `path`, and what is missing above it, unless it is there. Node's own recursive way never
 * ends where the kernel allows no folder, as in /proc.
 *
 * @throws {ClusterError} `bus/no-folder` (never): a file stands there, or no folder can.
 * @throws {Error} all else that the machine says, as `mkdir`.
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return
  const parent = dirname(resolve(path))
  try {
    mkdirSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Somebody else made it just now.
    if (code === 'EEXIST' && isFolder(path)) return
    if (code === 'EEXIST') throw noFolder(`${path} is a file, not a folder`, error)
    if (code === 'ENOENT' && isFolder(parent))
      throw noFolder(`no folder can be made in ${parent}`, error)
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
    makeFolder(parent)
    mkdirSync(path)
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    // Whatever is in the way, making it tells.
    return false
  }
}

const noFolder = (message: string, cause: unknown): ClusterError =>
  new ClusterError('bus/no-folder', 'never', message, { cause })
