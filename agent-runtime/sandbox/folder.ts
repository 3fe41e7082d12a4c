/** The folder of all sandboxes of one work directory. What is inside is hostile. */
import { chownSync, constants, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { type FileHandle, open, readdir, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../../bus/clock.ts'
import { isToken } from '../../protocol/ids.ts'
import { OUTPUT_KEPT_BYTES } from '../../protocol/limits.ts'
import type { ContainerSpec } from '../containerizer/containerizer.ts'
import { forgetGone, goneBytesOf, isStream } from './gone.ts'
import { GroupFolders } from './group.ts'
import { lookInto, NO_SANDBOX, type Seen } from './look.ts'
import { type OutputLimits, outputLimitsOf } from './output-limits.ts'
import { removeFolder } from './remove.ts'
import type { LookInto, Output, ReadOutput, Sandboxes, SandboxName } from './sandboxes.ts'
import { OutputTrimmer } from './trim.ts'
import type { Owner } from './user.ts'

/** A link is refused, and a pipe in the place of a file does not make us wait for its writer. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export interface SandboxFolderOptions {
  /** Absolute. They are in `sandboxes/` there. */
  readonly workDir: string
  readonly clock: Clock
  /** Of tasks that do not say: see `OutputLimits`. Default OUTPUT_KEPT_BYTES. */
  readonly outputBytesMax?: number | undefined
}

export class SandboxFolder implements Sandboxes {
  readonly #root: string
  readonly #groups: GroupFolders
  readonly #outputBytesMax: number
  readonly #trimmer: OutputTrimmer
  /** Paths of those whose task has not ended. */
  readonly #live = new Set<string>()

  constructor({ workDir, clock, outputBytesMax = OUTPUT_KEPT_BYTES }: SandboxFolderOptions) {
    this.#root = join(workDir, 'sandboxes')
    this.#groups = new GroupFolders(this.#root)
    this.#outputBytesMax = outputBytesMax
    mkdirSync(this.#root, { recursive: true })
    this.#trimmer = new OutputTrimmer(clock, this.#root)
  }

  /** No task runs. */
  get isIdle(): boolean {
    return this.#live.size === 0
  }

  /** What a task with this environment may leave lying of its output, or a sentence. */
  outputLimitsOf(env: Readonly<Record<string, string>>): OutputLimits | string {
    return outputLimitsOf(env, this.#outputBytesMax)
  }

  /** A task is to begin there, or runs there; the end of its output is not known. */
  begin(name: SandboxName, limits?: OutputLimits): void {
    const path = this.pathOf(name)
    this.#live.add(path)
    const bytesMax = this.#outputBytesMax
    this.#trimmer.watch(path, limits ?? { stdoutBytesMax: bytesMax, stderrBytesMax: bytesMax })
  }

  /** Of a sandbox whose task has not ended. */
  limitsOf(name: SandboxName): OutputLimits | undefined {
    return this.#trimmer.limitsOf(this.pathOf(name))
  }

  /** Its task has ended: nothing will be written any more. */
  end(name: SandboxName): void {
    const path = this.pathOf(name)
    this.#live.delete(path)
    void this.#trimmer.unwatch(path)
  }

  /** No output is shortened any more: whoever lets another agent in waits for this. */
  close(): Promise<void> {
    return this.#trimmer.close()
  }

  /**
   * The sandbox of a task, and the folder that its group shares. The sandbox is ours until
   * `giveTo`: so long nobody else can change what is in it.
   */
  createFor({ sandbox, group }: Pick<ContainerSpec, 'sandbox' | 'group'>, owner?: Owner) {
    const { launch } = sandbox
    const sandboxPath = this.#make(sandbox)
    const groupPath = group && this.#groups.join(group.id, { launch, owner })
    return { sandboxPath, groupPath }
  }

  pathOf({ principal, frameworkId, taskId, launch }: SandboxName): string {
    return join(this.#root, principal, frameworkId, taskId, launch)
  }

  /** Makes an empty sandbox, which tasks of other users cannot look into. */
  create(name: SandboxName, owner?: Owner): string {
    const path = this.#make(name)
    this.giveTo(path, owner)
    return path
  }

  /** One that belongs to another user gets its output files too. Absent: it stays ours. */
  giveTo(path: string, owner: Owner | undefined): void {
    if (owner === undefined) return
    for (const stream of ['stdout', 'stderr']) {
      writeFileSync(join(path, stream), '')
      chownSync(join(path, stream), owner.uid, owner.gid)
    }
    chownSync(path, owner.uid, owner.gid)
  }

  #make(name: SandboxName): string {
    const path = this.pathOf(name)
    mkdirSync(dirname(path), { recursive: true })
    mkdirSync(path, { mode: 0o750 })
    return path
  }

  /** By space or by files, whichever is scarcer; what only root may use counts as used. */
  async diskUsedPart(): Promise<number> {
    const { blocks, bfree, bavail, files, ffree } = await statfs(this.#root)
    const used = blocks - bfree
    const usedSpace = blocks === 0 ? 0 : used / Math.max(1, used + bavail)
    return Math.max(usedSpace, files === 0 ? 0 : 1 - ffree / files)
  }

  async list(): Promise<{ sandbox: SandboxName; atMs: number }[]> {
    const found: { sandbox: SandboxName; atMs: number }[] = []
    for (const [principal, frameworkId, taskId, launch] of await this.#folders([], 4)) {
      const sandbox = { principal, frameworkId, taskId, launch } as SandboxName
      const seen = await stat(this.pathOf(sandbox)).catch(() => undefined)
      if (seen !== undefined) found.push({ sandbox, atMs: seen.mtimeMs })
    }
    return found
  }

  /** Names of what lies so deep, but for what no agent can have made. */
  async #folders(above: readonly string[], depth: number): Promise<(readonly string[])[]> {
    if (depth === 0) return [above]
    const names = await readdir(join(this.#root, ...above)).catch(() => [])
    const found: (readonly string[])[] = []
    for (const name of names.filter(isToken)) {
      found.push(...(await this.#folders([...above, name], depth - 1)))
    }
    return found
  }

  async #find({ launch, ...sandbox }: LookInto['sandbox']): Promise<SandboxName | undefined> {
    if (launch !== undefined) return { ...sandbox, launch }
    const parent = dirname(this.pathOf({ ...sandbox, launch: '-' as SandboxName['launch'] }))
    const names = await readdir(parent).catch(() => [])
    const born = await Promise.all(
      names.filter(isToken).map(async (name) => {
        const found = await stat(join(parent, name), { bigint: true }).catch(() => undefined)
        return { name, atNs: found?.birthtimeNs ?? 0n }
      }),
    )
    const newest = born.reduce<(typeof born)[number] | undefined>(
      (best, next) => (best === undefined || next.atNs > best.atNs ? next : best),
      undefined,
    )
    return newest && { ...sandbox, launch: newest.name as SandboxName['launch'] }
  }

  async readOutput(request: ReadOutput): Promise<Output | undefined> {
    const { sandbox, launch, stream } = request
    const names = [...Object.values(sandbox), ...(launch === undefined ? [] : [launch])]
    if (!names.every(isToken)) return undefined
    // Whoever has the whole name at hand may give it: only the launch beside it counts.
    const { principal, frameworkId, taskId } = sandbox
    const which = launch === undefined ? {} : { launch }
    const name = await this.#find({ principal, frameworkId, taskId, ...which })
    if (name === undefined) return undefined
    const path = this.pathOf(name)
    // Known before it is read, or the last bytes could be missed.
    const ended = !this.#live.has(path)
    const file = await open(join(path, stream), READ_FLAGS).catch(() => undefined)
    if (file !== undefined) {
      try {
        return await readKept(file, { ...request, ended, gone: () => goneBytesOf(path, stream) })
      } finally {
        await file.close()
      }
    }
    const there = await stat(path).catch(() => undefined)
    return there && { bytes: new Uint8Array(), sizeBytes: 0, end: ended }
  }

  async *lookInto({ sandbox, look }: LookInto): AsyncGenerator<Seen> {
    const isNamed = Object.values(sandbox).every(isToken)
    const name = isNamed ? await this.#find(sandbox) : undefined
    if (name === undefined) return yield NO_SANDBOX
    const { principal, frameworkId, taskId, launch } = name
    const names = [principal, frameworkId, taskId, launch]
    const gone = (file: string): number =>
      isStream(file) ? goneBytesOf(this.pathOf(name), file) : 0
    yield* lookInto({ root: this.#root, sandbox: names, look, goneBytesOf: gone })
  }

  async remove(name: SandboxName): Promise<void> {
    const path = this.pathOf(name)
    await this.#groups.leave(name.launch)
    await removeFolder(path)
    forgetGone(path)
    // At once, so that no sandbox is being made in between.
    for (let above = dirname(path); above !== this.#root; above = dirname(above)) {
      if (!removedIfEmpty(above)) return
    }
  }
}

function removedIfEmpty(path: string): boolean {
  try {
    rmdirSync(path)
    return true
  } catch {
    // Another launch, task or framework is in it, or it was never there.
    return false
  }
}

interface Reading {
  readonly offset: number
  readonly bytesMax: number
  readonly ended: boolean
  readonly gone: () => number
}

/** What is there from `offset` on. A hole may be made meanwhile: then it is not taken for zeros. */
async function readKept(
  file: FileHandle,
  { offset, bytesMax, ended, gone }: Reading,
): Promise<Output> {
  for (;;) {
    const found = await file.stat()
    const sizeBytes = found.isFile() ? found.size : 0
    const from = Math.max(offset, Math.min(gone(), sizeBytes))
    const length = Math.max(0, Math.min(bytesMax, sizeBytes - from))
    const buffer = new Uint8Array(length)
    const { bytesRead } = length > 0 ? await file.read(buffer, 0, length, from) : { bytesRead: 0 }
    if (Math.min(gone(), sizeBytes) > from) continue
    const bytes = buffer.subarray(0, bytesRead)
    const goneBytes = from - offset
    return {
      bytes,
      sizeBytes,
      end: ended && from + bytesRead >= sizeBytes,
      ...(goneBytes > 0 && { goneBytes }),
    }
  }
}
