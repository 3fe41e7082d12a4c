/** A record log in a file of this machine. */
import { strict as assert } from 'node:assert'
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { ClusterError } from '../../../protocol/errors.ts'
import { decodeLog, encodeHeader, encodeRecords } from './format.ts'
import {
  type Durability,
  type OpenedRecordLog,
  RECORD_BYTES_MAX,
  type RecordLog,
} from './record-log.ts'

/**
 * Opens a log, or makes an empty one. One process at a time: the caller sees to it. `whatToDo` ends
 * the sentence that says that it is damaged.
 *
 * @throws {RecordLogCorruptError} see there.
 * @throws {ClusterError} `record-log/write-failed` if it can be neither read nor made.
 */
export function openFileLog(path: string, whatToDo: string): OpenedRecordLog {
  const bytes = readLog(path)
  if (bytes === undefined) {
    const made = createLog(path, [])
    syncDirectory(path)
    return { log: new FileLog(path, made), records: [], tornBytes: 0 }
  }
  const { records, goodBytes } = decodeLog(bytes, { path, whatToDo })
  const fd = translate(path, () => {
    const opened = openSync(path, 'r+')
    if (goodBytes < bytes.length) ftruncateSync(opened, goodBytes)
    return opened
  })
  const log = new FileLog(path, { fd, sizeBytes: goodBytes, safeBytes: 0 })
  return { log, records, tornBytes: bytes.length - goodBytes }
}

/** Hashes of secrets stand in some. */
export const OWNERS_ONLY = 0o600

interface OpenLog {
  readonly fd: number
  readonly sizeBytes: number
  readonly safeBytes: number
}

class FileLog implements RecordLog {
  readonly #path: string
  #fd: number
  #sizeBytes: number
  /** How much of it outlives a loss of power. */
  #safeBytes: number

  constructor(path: string, { fd, sizeBytes, safeBytes }: OpenLog) {
    this.#path = path
    this.#fd = fd
    this.#sizeBytes = sizeBytes
    this.#safeBytes = safeBytes
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  append(records: readonly Uint8Array[], durability: Durability): void {
    assertSizes(records)
    const bytes = encodeRecords(records, this.#safeBytes)
    try {
      writeAll(this.#fd, bytes, this.#sizeBytes)
      if (durability === 'disk') fdatasyncSync(this.#fd)
    } catch (error) {
      this.#cutBack()
      throw writeFailed(this.#path, error)
    }
    this.#sizeBytes += bytes.length
    if (durability === 'disk') this.#safeBytes = this.#sizeBytes
  }

  rewrite(records: readonly Uint8Array[]): void {
    assertSizes(records)
    const next = createLog(this.#path, records)
    closeSync(this.#fd)
    // The name is its own from here on: what is appended to the old one would be lost.
    this.#fd = next.fd
    this.#sizeBytes = next.sizeBytes
    this.#safeBytes = next.safeBytes
    syncDirectory(this.#path)
  }

  close(): void {
    closeSync(this.#fd)
  }

  /** Half a batch must not stand before the next one. */
  #cutBack(): void {
    try {
      ftruncateSync(this.#fd, this.#sizeBytes)
    } catch {
      // The next append begins at the same place and covers it.
    }
  }
}

function readLog(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw writeFailed(path, error)
  }
}

/** Puts a whole new log in the place of the old one, at once. Its name may not be on disk yet. */
function createLog(path: string, records: readonly Uint8Array[]): OpenLog {
  const next = `${path}.next`
  return translate(path, () => {
    mkdirSync(dirname(path), { recursive: true })
    rmSync(next, { force: true })
    const fd = openSync(next, 'wx+', OWNERS_ONLY)
    try {
      const bytes = Buffer.concat([encodeHeader(), encodeRecords(records, 0)])
      writeAll(fd, bytes, 0)
      fsyncSync(fd)
      renameSync(next, path)
      return { fd, sizeBytes: bytes.length, safeBytes: bytes.length }
    } catch (error) {
      closeSync(fd)
      // What it holds is space that others wait for.
      rmSync(next, { force: true })
      throw error
    }
  })
}

/** Else the file's new name may be gone after a loss of power. */
function syncDirectory(path: string): void {
  translate(path, () => {
    const fd = openSync(dirname(path), 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  })
}

function writeAll(fd: number, bytes: Uint8Array, from: number): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(fd, bytes, at, bytes.length - at, from + at)
  }
}

function assertSizes(records: readonly Uint8Array[]): void {
  for (const { length } of records) {
    assert(length > 0 && length <= RECORD_BYTES_MAX, `a record has 1 to ${RECORD_BYTES_MAX} bytes`)
  }
}

function translate<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw writeFailed(path, error)
  }
}

export function writeFailed(path: string, cause: unknown): ClusterError {
  return new ClusterError('record-log/write-failed', 'later', `cannot write ${path}`, { cause })
}
