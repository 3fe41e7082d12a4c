/** What a process must remember over its own death: a log of records, appended and compacted. */

/**
 * How safe a record is when `append` returns. `kernel`: it outlives this process. `disk`: it
 * outlives the machine's power too (it costs a few milliseconds).
 */
export type Durability = 'kernel' | 'disk'

export interface RecordLog {
  /** Length of the log. Grows with `append`, shrinks with `rewrite`. */
  readonly sizeBytes: number

  /**
   * Appends records in order, as one write. Each has 1 to RECORD_BYTES_MAX bytes, which are the
   * caller's again when this returns.
   *
   * @throws {ClusterError} `record-log/write-failed`: none of them is in the log; try later.
   */
  append(records: readonly Uint8Array[], durability: Durability): void

  /**
   * Replaces all records, safely on disk: after a crash the log holds all old ones or all new.
   *
   * @throws {ClusterError} `record-log/write-failed`: the log holds either; try later.
   */
  rewrite(records: readonly Uint8Array[]): void

  close(): void
}

export interface OpenedRecordLog {
  readonly log: RecordLog
  /** What was appended, in order. */
  readonly records: readonly Uint8Array[]
  /** Bytes at the end that a crash left unfinished and that were dropped; 0 is the usual. */
  readonly tornBytes: number
}

/** Longer records are a bug of the caller: state that long is many records. */
export const RECORD_BYTES_MAX = 16 * 1024 * 1024
