/** Root filesystems of tasks: folders of the machine, or tars that are unpacked once. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { LAUNCHER_ENV } from '../../launcher/launcher.ts'

export type FoundRoot = string | { readonly refused: string }

const UNPACK_MS_MAX = 600_000
const PARTIAL = '.partial'
/** How much is told of what tar(1) says. */
const SAID_LENGTH_MAX = 300

/**
 * A tar is known by the hash of its content: one that has been changed is another. What has been
 * unpacked stays as long as the work directory.
 */
export class Roots {
  readonly #folder: string
  /** By path, time of the last change, size and number of the file. */
  readonly #hashes = new Map<string, string>()
  readonly #unpacking = new Map<string, Promise<FoundRoot>>()

  /** What an agent that died had not finished is removed. */
  constructor(folder: string) {
    this.#folder = folder
    if (!existsSync(folder)) return
    for (const name of readdirSync(folder)) {
      if (name.endsWith(PARTIAL)) rmSync(join(folder, name), { recursive: true, force: true })
    }
  }

  /** The folder that is to be shown; at once if it is one. */
  find(path: string): FoundRoot | Promise<FoundRoot> {
    const shown = JSON.stringify(path.slice(0, 200))
    const seen = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (seen === undefined) return { refused: `there is no ${shown} on this machine` }
    if (seen.isDirectory()) return path
    if (!seen.isFile()) return { refused: `${shown} is neither a folder nor a tar` }
    const version = [path, seen.mtimeNs, seen.size, seen.ino].join(' ')
    return this.#unpacked(path, version).catch((error: Error & { stderr?: string }) => {
      const said = (error.stderr || error.message).trim().replaceAll(/\s+/g, ' ')
      return { refused: `${shown} could not be unpacked: ${said.slice(0, SAID_LENGTH_MAX)}` }
    })
  }

  async #unpacked(path: string, version: string): Promise<FoundRoot> {
    const hash = this.#hashes.get(version) ?? (await hashOf(path))
    this.#hashes.set(version, hash)
    const target = join(this.#folder, hash)
    if (existsSync(target)) return target
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
    const words = ['--bounding-set=-mknod', 'tar', '--force-local', ...options]
    try {
      const limits = { env: LAUNCHER_ENV, timeout: UNPACK_MS_MAX }
      await promisify(execFile)('setpriv', words, limits)
      await rename(partial, target)
      return target
    } catch (error) {
      await rm(partial, { recursive: true, force: true })
      throw error
    }
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
