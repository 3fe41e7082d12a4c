/**
 * The folders that tasks of a group share, below the root of the sandboxes. One is there until the
 * sandboxes of all its tasks are removed.
 *
 *     .groups/GROUP/shared     what the tasks see
 *     .groups/GROUP/LAUNCH     a task of it has a sandbox
 *     .group-of/LAUNCH         a link that names the group
 */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { removeFolder } from './remove.ts'
import type { Owner } from './user.ts'

const SHARED = 'shared'

export class GroupFolders {
  readonly #root: string
  readonly #groupOf: string

  constructor(root: string) {
    this.#root = join(root, '.groups')
    this.#groupOf = join(root, '.group-of')
  }

  /**
   * The folder, for one more of the group. It belongs to the first one's user; where others run as
   * somebody else, everybody may write there, as in /tmp.
   */
  join(group: string, { launch, owner }: { launch: string; owner: Owner | undefined }): string {
    const folder = join(this.#root, group)
    const path = join(folder, SHARED)
    mkdirSync(this.#groupOf, { recursive: true })
    // First, so that whoever removes the sandbox finds whatever was made.
    symlinkSync(group, join(this.#groupOf, launch))
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    writeFileSync(join(folder, launch), '')
    const uid = owner?.uid ?? process.getuid?.() ?? 0
    try {
      mkdirSync(path, { mode: 0o750 })
      if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (statSync(path).uid !== uid) chmodSync(path, 0o1777)
    }
    return path
  }

  /** The sandbox of one of them is removed, if it is of a group. */
  async leave(launch: string): Promise<void> {
    const link = join(this.#groupOf, launch)
    let group: string
    try {
      group = readlinkSync(link)
    } catch {
      // Most tasks are of none.
      return
    }
    const folder = join(this.#root, group)
    removed(join(folder, launch))
    if (launchesIn(folder) === 0) await removeFolder(folder)
    removed(link)
    for (const path of [this.#root, this.#groupOf]) removedIfEmpty(path)
  }
}

/** None where it is gone: whoever removed it may have died before the rest was done. */
function launchesIn(folder: string): number {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((one) => one.isFile()).length
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return 0
  }
}

function removed(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function removedIfEmpty(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // Others have groups.
  }
}
