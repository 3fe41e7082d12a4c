/** Root filesystems of tasks: folders of the machine, or tars that are unpacked once. */
import { execFile } from 'node:child_process'
import {
  type BigIntStats,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Clock } from '../../../bus/clock.ts'
import { LAUNCHER_ENV } from '../../launcher/launcher.ts'

export type FoundRoot = string | { readonly refused: string }

/** So long a tar may be read, and then as long be unpacked. */
const WORK_MS_MAX = 600_000
const PARTIAL = '.partial'
/** A file beside what was unpacked, changed when a task last began or ended to use it. */
const USED = '.used'
/** How much is told of what a program says. */
const SAID_LENGTH_MAX = 300

/**
 * A tar is known by the hash of its content: one that has been changed is another. What has been
 * unpacked stays until no task has used it for as long as the caller says.
 */
export class Roots {
  readonly #folder: string
  readonly #clock: Clock
  /** Container → what it uses of what was unpacked. */
  readonly #users = new Map<string, string>()
  /** By path, time of the last change, size and number of the file. */
  readonly #hashes = new Map<string, Promise<string>>()
  readonly #unpacking = new Map<string, Promise<FoundRoot>>()
  readonly #closing = new AbortController()
  #removals = 0

  /** What an agent that died had not finished is removed. */
  constructor(folder: string, clock: Clock) {
    this.#folder = folder
    this.#clock = clock
    if (!existsSync(folder)) return
    for (const name of readdirSync(folder)) {
      if (name.endsWith(PARTIAL)) rmSync(join(folder, name), { recursive: true, force: true })
    }
  }

  /**
   * The folder that is to be shown; at once if it is one. It stays there until `release`. What a
   * framework names may be anything: nothing of it is thrown.
   */
  find(path: string, containerId: string): FoundRoot | Promise<FoundRoot> {
    const shown = JSON.stringify(path.slice(0, 200))
    let seen: BigIntStats | undefined
    try {
      seen = statSync(path, { bigint: true, throwIfNoEntry: false })
    } catch (error) {
      return { refused: `${shown} cannot be looked at: ${(error as NodeJS.ErrnoException).code}` }
    }
    if (seen === undefined) return { refused: `there is no ${shown} on this machine` }
    if (seen.isDirectory()) return path
    if (!seen.isFile()) return { refused: `${shown} is neither a folder nor a tar` }
    const version = [path, seen.mtimeNs, seen.size, seen.ino].join(' ')
    return this.#unpacked({ path, version, containerId }).catch((error: Failed) => {
      return { refused: `${shown} could not be unpacked: ${wordsOf(error)}` }
    })
  }

  /** Ends what is being read or unpacked: nobody waits for it any more. */
  close(): void {
    this.#closing.abort()
  }

  /** A container that is found again was shown this folder, whoever unpacked it. */
  keep(containerId: string, root: string): void {
    if (dirname(root) === this.#folder) this.#users.set(containerId, root)
  }

  /** It does not run any more, or never did. May be repeated. */
  release(containerId: string): void {
    const root = this.#users.get(containerId)
    if (this.#users.delete(containerId) && root !== undefined) noteUse(root)
  }

  /** Removes what no task uses, and none has used for so long. */
  async removeUnused(unusedMs: number): Promise<void> {
    if (!existsSync(this.#folder)) return
    for (const name of readdirSync(this.#folder).filter((one) => IS_HASH.test(one))) {
      const root = join(this.#folder, name)
      // Asked of each in its turn: while one is removed, a task may start in the next.
      if (!this.#isUnused(root, unusedMs)) continue
      // At once, so that whoever needs it now unpacks another: that one has another name.
      this.#removals += 1
      const gone = `${root}.${process.pid}.${this.#removals}${PARTIAL}`
      renameSync(root, gone)
      rmSync(root + USED, { force: true })
      await rm(gone, { recursive: true, force: true })
    }
  }

  /** False, too, if somebody else has just removed it. */
  #isUnused(root: string, unusedMs: number): boolean {
    if (!existsSync(root) || [...this.#users.values()].includes(root)) return false
    // To a clock that went back it has only just been used.
    return Math.max(0, this.#clock.now().wallMs - lastUseMs(root)) >= unusedMs
  }

  async #unpacked({ path, version, containerId }: Wanted): Promise<FoundRoot> {
    const hash = await this.#hashOf(path, version)
    const target = join(this.#folder, hash)
    this.#users.set(containerId, target)
    if (existsSync(target)) {
      noteUse(target)
      return target
    }
    const other = this.#unpacking.get(hash)
    if (other !== undefined) return await other
    const work = this.#unpack(path, target)
    this.#unpacking.set(hash, work)
    return await work.finally(() => this.#unpacking.delete(hash))
  }

  /**
   * tar(1) itself takes no way out: it refuses names with `..`, strips a leading `/`, and makes
   * links last. Devices are refused, as it has no right to make them.
   */
  async #unpack(path: string, target: string): Promise<FoundRoot> {
    const partial = `${target}.${process.pid}${PARTIAL}`
    // Nobody else is to run what is set-user-id in there.
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    mkdirSync(partial, { mode: 0o755 })
    const options = ['--extract', '--numeric-owner', `--file=${path}`, `--directory=${partial}`]
    try {
      await this.#run(['--bounding-set=-mknod', 'tar', '--force-local', ...options])
      await rename(partial, target)
      return target
    } catch (error) {
      await rm(partial, { recursive: true, force: true })
      throw error
    }
  }

  #hashOf(path: string, version: string): Promise<string> {
    const known = this.#hashes.get(version)
    if (known !== undefined) return known
    const hash = this.#run(['sha256sum', '--', path]).then(hashIn)
    this.#hashes.set(version, hash)
    hash.catch(() => this.#hashes.delete(version))
    return hash
  }

  /**
   * What never ends to be read (`/proc/kmsg`) takes a process, which can be ended: in the agent
   * itself it would take one of its few threads for files. It goes with its agent.
   */
  async #run(words: readonly string[]): Promise<string> {
    const { signal } = this.#closing
    const limits = {
      env: LAUNCHER_ENV,
      timeout: WORK_MS_MAX,
      killSignal: 'SIGKILL',
      signal,
    } as const
    const { stdout } = await promisify(execFile)('setpriv', ['--pdeathsig=KILL', ...words], limits)
    return stdout
  }
}

interface Wanted {
  readonly path: string
  readonly version: string
  readonly containerId: string
}

const IS_HASH = /^[0-9a-f]{64}$/

function noteUse(root: string): void {
  // It could not be unpacked.
  if (!existsSync(root)) return
  try {
    writeFileSync(root + USED, '')
  } catch {
    // The disk is full: it counts as used when it was the last time.
  }
}

/** What was unpacked and never used counts from then. */
function lastUseMs(root: string): number {
  const noted = statSync(root + USED, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const unpacked = statSync(root, { throwIfNoEntry: false })?.ctimeMs ?? 0
  return Math.max(noted, unpacked)
}

/** What a program wrote to its standard error, if one ran. */
type Failed = Error & { readonly stderr?: string; readonly killed?: boolean }

function wordsOf({ message, stderr = '', killed = false }: Failed): string {
  if (killed) return `it took longer than ${WORK_MS_MAX} ms`
  return (stderr || message).trim().replaceAll(/\s+/g, ' ').slice(0, SAID_LENGTH_MAX)
}

/** Before it stands a backslash, if one is in the path. */
function hashIn(said: string): string {
  const [hash] = /[0-9a-f]{64}/.exec(said) ?? []
  if (hash === undefined) throw new Error('it has no hash')
  return hash
}
