/** Sandboxes in which nothing lies but what a pretended task has written to stdout. */
import type { TaskId } from '../../protocol/ids.ts'
import { NO_SANDBOX, type Seen } from './look.ts'
import type { LookInto, Output, ReadOutput, Sandboxes, SandboxName } from './sandboxes.ts'
import { lookRefused, namesOf } from './walk.ts'

export interface PretendOutput {
  readonly sandbox: SandboxName
  readonly bytes: Uint8Array
  ended: boolean
}

/** What all tasks of a machine have written. */
export class PretendOutputs {
  /** Oldest first: of several frameworks too. */
  readonly #byTask = new Map<TaskId, PretendOutput[]>()

  keep(output: PretendOutput): void {
    const others = this.#byTask.get(output.sandbox.taskId)
    if (others === undefined) this.#byTask.set(output.sandbox.taskId, [output])
    else others.push(output)
  }

  forget({ taskId, launch }: SandboxName): void {
    const kept = this.#byTask.get(taskId)?.filter(({ sandbox }) => sandbox.launch !== launch) ?? []
    if (kept.length === 0) this.#byTask.delete(taskId)
    else this.#byTask.set(taskId, kept)
  }

  find({ sandbox, launch }: Pick<ReadOutput, 'sandbox' | 'launch'>): PretendOutput | undefined {
    return this.#byTask
      .get(sandbox.taskId)
      ?.filter((one) => isOf(one, sandbox))
      .findLast((one) => launch === undefined || one.sandbox.launch === launch)
  }
}

export interface PretendingSandboxesOptions {
  readonly outputs: PretendOutputs
  /** As in `PretendingContainerizerOptions`. */
  readonly settles?: (() => void) | undefined
}

export class PretendingSandboxes implements Sandboxes {
  readonly #outputs: PretendOutputs
  readonly #settles: () => void

  constructor({ outputs, settles = () => {} }: PretendingSandboxesOptions) {
    this.#outputs = outputs
    this.#settles = settles
  }

  readOutput(request: ReadOutput): Promise<Output | undefined> {
    const { stream, offset, bytesMax } = request
    const all = this.#outputs.find(request)
    if (all === undefined) return this.#answer(undefined)
    const written = stream === 'stdout' ? all.bytes : new Uint8Array()
    const bytes = written.slice(offset, offset + Math.max(0, bytesMax))
    const end = all.ended && offset + bytes.length >= written.length
    return this.#answer({ bytes, sizeBytes: written.length, end })
  }

  async *lookInto({ sandbox, look }: LookInto): AsyncGenerator<Seen> {
    const { launch, ...task } = sandbox
    const about = {
      sandbox: task,
      ...(launch !== undefined && { launch }),
      stream: 'stdout',
    } as const
    const { path, want, offset, bytesMax } = look
    const output = await this.readOutput({ ...about, offset, bytesMax })
    if (output === undefined) return yield NO_SANDBOX
    const { sizeBytes, bytes: data } = output
    const name = Buffer.from('stdout')
    const entry = { name, type: 'file', sizeBytes, mode: 0o644, changedAtMs: 0 } as const
    const isStdout = name.equals(path)
    if (want === 'read' && isStdout)
      return yield { kind: 'file', offset, sizeBytes, version: '', mode: entry.mode, data }
    if (want === 'list' && isStdout) return yield { kind: 'entry', entry }
    const names = namesOf(path)
    if ('kind' in names) return yield names
    if (names.length > 0) return yield lookRefused('not-found', 'there is no such file')
    if (want === 'read') return yield lookRefused('not-a-file', 'it is a folder')
    const entries = look.after === undefined ? [entry] : []
    yield { kind: 'folder', entries, more: false }
  }

  remove(sandbox: SandboxName): undefined {
    this.#outputs.forget(sandbox)
  }

  /** What pretends takes no disk. */
  diskUsedPart(): Promise<number> {
    return this.#answer(0)
  }

  /** What pretends loses no checkpoint and keeps its sandboxes. */
  list(): Promise<readonly never[]> {
    return this.#answer([])
  }

  #answer<T>(value: T): Promise<T> {
    this.#settles()
    return Promise.resolve(value)
  }
}

function isOf(
  { sandbox }: PretendOutput,
  { principal, frameworkId }: Pick<SandboxName, 'principal' | 'frameworkId'>,
): boolean {
  return sandbox.principal === principal && sandbox.frameworkId === frameworkId
}
