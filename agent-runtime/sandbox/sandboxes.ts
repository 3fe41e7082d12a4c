/** The directories that tasks run in, for who reads and removes them: while they run, and after. */
import type { FrameworkId, Launch, Principal, TaskId } from '../../protocol/ids.ts'
import type { Look, Seen } from './look.ts'

/** Names one sandbox: `<principal>/<frameworkId>/<taskId>/<launch>` below the work directory. */
export interface SandboxName {
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  readonly taskId: TaskId
  readonly launch: Launch
}

export type Stream = 'stdout' | 'stderr'

export interface ReadOutput {
  readonly sandbox: Omit<SandboxName, 'launch'>
  /** Absent: the newest launch of the task. */
  readonly launch?: Launch
  readonly stream: Stream
  /** First byte to read, from 0. Beyond the end is no error: nothing is read. */
  readonly offset: number
  readonly bytesMax: number
}

export interface LookInto {
  /** Without `launch`: the newest of the task. */
  readonly sandbox: Omit<SandboxName, 'launch'> & Partial<Pick<SandboxName, 'launch'>>
  readonly look: Look
}

export interface Output {
  /** 0 to `bytesMax` bytes, from `offset` and `goneBytes` on. */
  readonly bytes: Uint8Array
  /** So many from `offset` on were taken away, as it had become too long. */
  readonly goneBytes?: number
  /** How long the stream was when it was read. */
  readonly sizeBytes: number
  /** The task has ended and these bytes are the last: nothing will ever follow. */
  readonly end: boolean
}

export interface Sandboxes {
  /** Undefined if there is no such sandbox. The file is read as it is, links are not followed. */
  readOutput(request: ReadOutput): Promise<Output | undefined>

  /**
   * What lies in a sandbox, in pieces. Changes nothing and follows no link; what is no regular file
   * is shown by name only. Whoever stops early ends it by `return`.
   */
  lookInto(request: LookInto): AsyncGenerator<Seen>

  /** Removes a sandbox with all in it. One that is not there is no error. Undefined: done. */
  remove(sandbox: SandboxName): Promise<void> | undefined

  /** How full the disk of the sandboxes is, 0 to 1. */
  diskUsedPart(): Promise<number>

  /** Every sandbox that there is; `atMs` in wall time: when it was changed last. */
  list(): Promise<readonly { readonly sandbox: SandboxName; readonly atMs: number }[]>
}
