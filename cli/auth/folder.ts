/** The folder in which a cluster's credentials are made. */
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { makeFolder } from '../../bus/make-folder.ts'
import { packageConfig } from '../../bus/nats/server.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { User } from '../../protocol/permissions.ts'
import { wrongUse } from '../exit-code.ts'
import { fileNamesOf, type NewCredentials } from './credentials.ts'
import { serverText, USERS_FILE } from './server-text.ts'
import { labelOf } from './user-names.ts'
import { type KnownUser, parseUsers, type Users, usersText } from './users-text.ts'

/** What others may read: keys and hashes of random passwords open nothing. */
const PUBLIC_MODE = 0o644
const SECRET_MODE = 0o600

export interface NewFolder {
  readonly folder: string
  readonly cluster: string
  readonly host: string
  readonly port: number
  /** Default: in the folder. */
  readonly storeDir?: string
}

/**
 * Makes the folder, with a server's configuration and no user. @throws {ClusterError} as `addUser`.
 */
export function newFolder({ folder, storeDir, ...place }: NewFolder): string {
  const usersPath = join(folder, USERS_FILE)
  if (existsSync(usersPath)) throw wrongUse(`${usersPath} is there already`)
  const path = resolve(folder, 'nats.conf')
  const store = resolve(storeDir ?? join(folder, 'nats'))
  const original = readFileSync(packageConfig(), 'utf8')
  doing(`write ${folder}`, () => {
    makeFolder(folder)
    writeNew(path, serverText(original, { ...place, storeDir: store, path }), PUBLIC_MODE)
    writeNew(usersPath, usersText({ cluster: place.cluster, known: [] }), PUBLIC_MODE)
  })
  return path
}

/** @throws {ClusterError} `cli/configuration`: there are none, or they cannot be read. */
export function readUsers(folder: string): Users {
  const path = join(folder, USERS_FILE)
  if (!existsSync(path))
    throw new ClusterError(
      'cli/configuration',
      'never',
      `${path} is not there: make it with bourse auth init, or name its folder with --dir`,
    )
  return parseUsers(
    doing(`read ${path}`, () => readFileSync(path, 'utf8')),
    path,
  )
}

/**
 * Writes the secret's file, then tells the server's: a user that the server knows has a secret.
 * Gives the path of the secret.
 *
 * @throws {ClusterError} `cli/usage`: the user is there. `cli/configuration`: files cannot be
 * written.
 */
export function addUser(folder: string, user: User, credentials: NewCredentials): string {
  const path = join(folder, credentials.fileName)
  const label = labelOf(user)
  let isWritten = false
  try {
    changeUsers(folder, ({ cluster, known }) => {
      if (known.some((one) => labelOf(one.user) === label))
        throw wrongUse(`${label} has credentials already; \`bourse auth remove\` ends them`)
      writeNew(path, `${credentials.secret}\n`, SECRET_MODE)
      isWritten = true
      return { cluster, known: [...known, { user, verifier: credentials.verifier }] }
    })
  } catch (error) {
    // It opens nothing, and would be in the way of the next try.
    if (isWritten) rmSync(path, { force: true })
    throw error
  }
  return path
}

/** Its secret opens nothing once the server has reloaded. @throws as `addUser`. */
export function removeUser(folder: string, user: User): void {
  const label = labelOf(user)
  changeUsers(folder, ({ cluster, known }) => {
    const kept = known.filter((one: KnownUser) => labelOf(one.user) !== label)
    if (kept.length === known.length) throw wrongUse(`${label} has no credentials here`)
    return { cluster, known: kept }
  })
  for (const name of fileNamesOf(user)) rmSync(join(folder, name), { force: true })
}

/** One at a time: the next file is the lock. What was there stays until the new one is whole. */
function changeUsers(folder: string, change: (users: Users) => Users): void {
  const path = join(folder, USERS_FILE)
  // Says what is wrong with the folder, if it is.
  readUsers(folder)
  const next = `${path}.new`
  const fd = doing(`write ${next} (unless another bourse auth does, remove it)`, () =>
    openSync(next, 'wx', PUBLIC_MODE),
  )
  try {
    const text = usersText(change(readUsers(folder)))
    doing(`write ${next}`, () => {
      writeFileSync(fd, text)
      fchmodSync(fd, PUBLIC_MODE)
      fsyncSync(fd)
      renameSync(next, path)
    })
  } catch (error) {
    rmSync(next, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

/** Whatever the umask: who may read it is decided here. */
function writeNew(path: string, text: string, mode: number): void {
  doing(`write ${path}`, () => {
    const fd = openSync(path, 'wx', mode)
    try {
      writeFileSync(fd, text)
      fchmodSync(fd, mode)
      fsyncSync(fd)
    } catch (error) {
      rmSync(path, { force: true })
      throw error
    } finally {
      closeSync(fd)
    }
  })
}

function doing<T>(what: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    if (cause instanceof ClusterError) throw cause
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new ClusterError('cli/configuration', 'never', `cannot ${what}: ${why}`, { cause })
  }
}
