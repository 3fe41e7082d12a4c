/**
 * A record log in a file of this machine whose caller does not stand still while the disk works:
 * all that it answers for is safely on disk.
 */
import { strict as assert } from 'node:assert'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OWNERS_ONLY, openFileLog, writeFailed } from './file.ts'
import { encodeHeader, encodeRecords, HEADER_BYTES } from './format.ts'

/**
 * One call at a time. After a fault the log is as it was before the call; after one of `rewrite` it
 * may hold what it was to hold, and nothing else.
 */
export interface SyncedLog {
  /** @throws {ClusterError} `record-log/write-failed` (later). */
  append(records: readonly Uint8Array[]): Promise<void>
  /** Replaces all records. @throws {ClusterError} `record-log/write-failed` (later). */
  rewrite(records: readonly Uint8Array[]): Promise<void>
}

/**
 * Opens a log, or makes an empty one. One process at a time: the caller sees to it.
 *
 * @throws {ClusterError} as `openFileLog`.
 */
export function openSyncedFileLog(
  path: string,
  whatToDo: string,
): { readonly log: SyncedLog; readonly records: readonly Uint8Array[] } {
  const { log, records } = openFileLog(path, whatToDo)
  log.close()
  return { log: new SyncedFileLog(path, log.sizeBytes), records }
}

class SyncedFileLog implements SyncedLog {
  readonly #path: string
  #sizeBytes: number
  /** How much of it outlives a loss of power. What was found may only have reached the kernel. */
  #safeBytes = 0
  #file: FileHandle | undefined
  #isBusy = false

  constructor(path: string, sizeBytes: number) {
    this.#path = path
    this.#sizeBytes = sizeBytes
  }

  append(records: readonly Uint8Array[]): Promise<void> {
    return this.#alone(async () => {
      this.#file ??= await open(this.#path, 'r+')
      const bytes = encodeRecords(records, this.#safeBytes)
      try {
        await writeAll(this.#file, bytes, this.#sizeBytes)
        await this.#file.datasync()
      } catch (error) {
        await this.#cutBack(this.#file)
        throw error
      }
      this.#sizeBytes += bytes.length
      this.#safeBytes = this.#sizeBytes
    })
  }

  rewrite(records: readonly Uint8Array[]): Promise<void> {
    return this.#alone(async () => {
      const bytes = encodeRecords(records, 0)
      const fresh = await this.#freshFile(bytes)
      const old = this.#file
      // The name is its own from here on: what is appended to the old one would be lost.
      this.#file = fresh
      this.#sizeBytes = HEADER_BYTES + bytes.length
      this.#safeBytes = this.#sizeBytes
      await old?.close()
      await syncFolder(dirname(this.#path))
    })
  }

  async #freshFile(bytes: Uint8Array): Promise<FileHandle> {
    const next = `${this.#path}.next`
    await rm(next, { force: true })
    const file = await open(next, 'wx+', OWNERS_ONLY)
    try {
      await writeAll(file, encodeHeader(), 0)
      await writeAll(file, bytes, HEADER_BYTES)
      await file.sync()
      await rename(next, this.#path)
      return file
    } catch (error) {
      await file.close()
      // What it holds is space that others wait for.
      await rm(next, { force: true })
      throw error
    }
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    assert(!this.#isBusy, 'one call at a time')
    this.#isBusy = true
    try {
      await work()
    } catch (error) {
      throw writeFailed(this.#path, error)
    } finally {
      this.#isBusy = false
    }
  }

  /** Half a batch must not stand before the next one. */
  async #cutBack(file: FileHandle): Promise<void> {
    try {
      await file.truncate(this.#sizeBytes)
    } catch {
      // The next append begins at the same place and covers it.
    }
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, from: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, from + at)).bytesWritten
  }
}

/** Else the new name may be gone after a loss of power. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
