/**
 * Goes down into a sandbox, name by name, and follows nothing on the way. Tasks may swap a folder
 * for a link at any moment, so each step starts from the open folder above it: `/proc/self/fd/N/x`
 * is for the kernel what openat(2) of x is.
 */
import type { BigIntStats } from 'node:fs'
import { constants } from 'node:fs'
import { type FileHandle, open, readlink } from 'node:fs/promises'
import { LINK_TARGET_BYTES_MAX, SANDBOX_PATH_BYTES_MAX } from '../../protocol/limits.ts'

/** Opens the thing itself, whatever it is: no device is started, no writer of a pipe is woken. */
const O_PATH = 0o10000000
const STEP_FLAGS = O_PATH | constants.O_NOFOLLOW

/** Why something in a sandbox is not shown. */
export interface LookRefused {
  readonly kind: 'refused'
  readonly why: 'bad-path' | 'not-found' | 'not-a-file' | 'denied' | 'failed'
  readonly message: string
}

/** An open place in the tree. Whoever gets it closes it. */
export interface OpenPlace {
  readonly handle: FileHandle
  readonly stats: BigIntStats
  /** Where a link leads to: nobody goes there. */
  readonly target?: Uint8Array
}

export const lookRefused = (why: LookRefused['why'], message: string): LookRefused => ({
  kind: 'refused',
  why,
  message,
})

/** What is open, under a path that leads to it whatever its names have become. */
export const pathOfHandle = ({ fd }: FileHandle): string => `/proc/self/fd/${fd}`

export const pathIn = (folder: FileHandle, name: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${pathOfHandle(folder)}/`), name])

/** The names of a path below a sandbox; it may be empty: the sandbox itself. */
export function namesOf(path: Uint8Array): readonly Uint8Array[] | LookRefused {
  if (path.length === 0) return []
  if (path.length > SANDBOX_PATH_BYTES_MAX)
    return lookRefused('bad-path', `a path has ${SANDBOX_PATH_BYTES_MAX} bytes at most`)
  if (path.includes(0)) return lookRefused('bad-path', 'no path holds a zero byte')
  if (path[0] === 0x2f)
    return lookRefused('bad-path', 'it begins with /: paths are relative to the sandbox')
  const names = Buffer.from(path).toString('latin1').split('/')
  if (names.includes('..')) return lookRefused('bad-path', '.. leads out of folders')
  if (names.some((name) => name === '' || name === '.'))
    return lookRefused('bad-path', 'a name in it is empty, or .')
  return names.map((name) => Buffer.from(name, 'latin1'))
}

/** @throws a fault of the system that has no name here. */
export async function walk(
  root: string,
  names: readonly Uint8Array[],
): Promise<OpenPlace | LookRefused> {
  let place = await step(Buffer.from(root))
  for (const name of names) {
    if ('kind' in place) return place
    const above = place
    try {
      if (!above.stats.isDirectory()) return noFolder(above.stats)
      place = await step(pathIn(above.handle, name))
    } finally {
      await above.handle.close()
    }
  }
  return place
}

async function step(path: Buffer): Promise<OpenPlace | LookRefused> {
  const handle = await open(path, STEP_FLAGS).catch(refusedBy)
  if ('kind' in handle) return handle
  try {
    const stats = await handle.stat({ bigint: true })
    if (!stats.isSymbolicLink()) return { handle, stats }
    return { handle, stats, target: await targetOf(path) }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** At most `LINK_TARGET_BYTES_MAX` of it. */
export async function targetOf(path: Buffer): Promise<Uint8Array> {
  const target = await readlink(path, { encoding: 'buffer' }).catch(() => new Uint8Array())
  return target.subarray(0, LINK_TARGET_BYTES_MAX)
}

function noFolder(stats: BigIntStats): LookRefused {
  if (stats.isSymbolicLink())
    return lookRefused('not-a-file', 'a name in it is a symbolic link, which is not followed')
  return lookRefused('not-found', 'there is no such file: a name in it is no folder')
}

/** What the system says no to, in words. Everything else is thrown. */
export function refusedBy(error: unknown): LookRefused {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      return lookRefused('not-found', 'there is no such file')
    case 'EACCES':
    case 'EPERM':
      return lookRefused('denied', 'the agent may not read it')
    case undefined:
      throw error
    default:
      return lookRefused('failed', `the system says ${code}: ${message.slice(0, 200)}`)
  }
}
