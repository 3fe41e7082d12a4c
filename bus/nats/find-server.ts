/** Where the nats-server program is: no npm package holds it, and the first command must work. */
import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { ClusterError } from '../../protocol/errors.ts'
import { canFetch, fetchServer } from './fetch-server.ts'

const run = promisify(execFile)

const NAME = 'nats-server'
/** Folders of programs that the PATH of ordinary users often lacks. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin']
const VERSION_MIN = [2, 9] as const

export interface FindOptions {
  /** A path from a flag; it is this one or none. */
  readonly path?: string
  /** As if none were installed: the cache's, else fetched. With `path` it has no effect. */
  readonly onlyFetched?: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  /** Told one sentence before something takes long. */
  readonly say: (sentence: string) => void
}

/**
 * The path of a nats-server of 2.9 or newer: the flag's, else NATS_SERVER, else of PATH and the
 * usual folders, else of the cache, else fetched into the cache: on Debian and its kin by
 * `apt-get`, which checks the signatures. Elsewhere nothing is fetched.
 *
 * @throws {ClusterError} `bus/no-nats-server` (never): one sentence that says what to do.
 */
export async function findServer(options: FindOptions): Promise<string> {
  const { path, env, say, onlyFetched = false } = options
  const asked = path || (onlyFetched ? undefined : env['NATS_SERVER'])
  if (asked) {
    if (await isServer(asked)) return asked
    throw none(`${asked} is no nats-server of version ${VERSION_MIN.join('.')} or newer`)
  }
  const cacheDir = cacheOf(env)
  const cached = join(cacheDir, NAME)
  const there = await firstServer(onlyFetched ? [cached] : candidates(env))
  if (there !== undefined) return there
  if (!canFetch())
    throw none(
      'there is no nats-server here: install it from https://nats.io/download and put it on PATH, or name it by NATS_SERVER',
    )
  say(`fetching nats-server into ${cacheDir}, once`)
  await fetchServer(cacheDir)
  if (await isServer(cached)) return cached
  throw none(`the nats-server that was fetched to ${cached} does not run: install one yourself`)
}

type Env = FindOptions['env']

const cacheOf = (env: Env): string =>
  join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'bourse')

/** Best first. */
function candidates(env: Env): readonly string[] {
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter(Boolean), ...MORE_FOLDERS]
  return [...folders, cacheOf(env)].map((folder) => join(folder, NAME))
}

async function firstServer(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isServer(path)) return path
  return undefined
}

/**
 * What a person writes to start the server that `findServer` would find without fetching one: its
 * name if a shell finds that one, else its path. The name, too, if there is none.
 */
export async function serverCommand(env: Env): Promise<string> {
  const asked = env['NATS_SERVER']
  const path = await firstServer([...(asked ? [asked] : []), ...candidates(env)])
  const folders = (env['PATH'] ?? '').split(delimiter)
  return path === undefined || folders.some((folder) => join(folder, NAME) === path) ? NAME : path
}

const none = (message: string): ClusterError =>
  new ClusterError('bus/no-nats-server', 'never', message)

async function isServer(path: string): Promise<boolean> {
  try {
    accessSync(path, constants.X_OK)
    const { stdout } = await run(path, ['--version'])
    const [, major, minor] = /v(\d+)\.(\d+)\./.exec(stdout) ?? []
    return (
      Number(major) > VERSION_MIN[0] ||
      (Number(major) === VERSION_MIN[0] && Number(minor) >= VERSION_MIN[1])
    )
  } catch {
    // Not there, not a program, or not this one.
    return false
  }
}
