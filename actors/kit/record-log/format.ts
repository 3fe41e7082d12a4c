/**
 * How a record log looks on disk.
 *
 *     header   "BOURSECK" and a version, u32
 *     record   length of the payload, u32; CRC-32 of all else in the record, u32;
 *              how many bytes of the log were known to be safe on disk, u48; payload
 *
 * All numbers are little-endian. A crash of this process tears at most the last write. A loss of
 * power may leave anything behind the part that was safe, holes before good records too. So what
 * is bad is damage only if a later good record says that it had been safe, and else it is torn.
 */
import { crc32 } from 'node:zlib'
import { ClusterError } from '../../../protocol/errors.ts'
import { RECORD_BYTES_MAX } from './record-log.ts'

const MAGIC = 'BOURSECK'
const VERSION = 1
/** Where the fields of a record's head are. */
const CRC_AT = 4
const SAFE_AT = 8
const SAFE_BYTES = 6
const RECORD_HEAD_BYTES = SAFE_AT + SAFE_BYTES

export const HEADER_BYTES = MAGIC.length + 4

export interface NamedLog {
  readonly path: string
  /** The end of a sentence, for whoever finds it damaged. */
  readonly whatToDo: string
}

/** The log cannot be read to its end, and what is missing cannot be guessed. */
export class RecordLogCorruptError extends ClusterError {
  override readonly name = 'RecordLogCorruptError'

  constructor({ path, whatToDo }: NamedLog, problem: string) {
    super('record-log/corrupt', 'never', `${path} ${problem}: ${whatToDo}`)
  }
}

export function encodeHeader(): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.write(MAGIC, 'latin1')
  header.writeUInt32LE(VERSION, MAGIC.length)
  return header
}

/** All records in one piece, for one write. `safeBytes` of the log before them are on disk. */
export function encodeRecords(records: readonly Uint8Array[], safeBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(
    records.reduce((sum, { length }) => sum + RECORD_HEAD_BYTES + length, 0),
  )
  let at = 0
  for (const record of records) {
    bytes.writeUInt32LE(record.length, at)
    bytes.set(record, at + RECORD_HEAD_BYTES)
    bytes.writeUIntLE(safeBytes, at + SAFE_AT, SAFE_BYTES)
    bytes.writeUInt32LE(crcOf(bytes, at, record.length), at + CRC_AT)
    at += RECORD_HEAD_BYTES + record.length
  }
  return bytes
}

export interface DecodedLog {
  readonly records: readonly Uint8Array[]
  /** Where the good part ends. */
  readonly goodBytes: number
}

/** @throws {RecordLogCorruptError} if what had been safe is damaged, or the header is wrong. */
export function decodeLog(log: Buffer, named: NamedLog): DecodedLog {
  if (log.length < HEADER_BYTES || log.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw new RecordLogCorruptError(named, 'does not begin like one')
  }
  const version = log.readUInt32LE(MAGIC.length)
  if (version !== VERSION) {
    throw new RecordLogCorruptError(named, `has format ${version}, this program knows ${VERSION}`)
  }
  const { records, end } = recordsFrom(log, HEADER_BYTES)
  const safeBytes = safeBytesSaidAfter(log, end)
  if (safeBytes <= end) return { records, goodBytes: end }
  throw new RecordLogCorruptError(named, `is damaged at byte ${end}`)
}

function recordsFrom(log: Buffer, from: number): { records: Uint8Array[]; end: number } {
  const records: Uint8Array[] = []
  let end = from
  for (let record = recordAt(log, end); record !== undefined; record = recordAt(log, end)) {
    records.push(record)
    end += RECORD_HEAD_BYTES + record.length
  }
  return { records, end }
}

/** The record that begins at `at`; undefined if none does. */
function recordAt(log: Buffer, at: number): Uint8Array | undefined {
  if (at + RECORD_HEAD_BYTES > log.length) return undefined
  const length = log.readUInt32LE(at)
  const end = at + RECORD_HEAD_BYTES + length
  if (length === 0 || length > RECORD_BYTES_MAX || end > log.length) return undefined
  if (log.readUInt32LE(at + CRC_AT) !== crcOf(log, at, length)) return undefined
  return log.subarray(at + RECORD_HEAD_BYTES, end)
}

/** Searches every byte after a bad one for good records; 0 if there are none. */
function safeBytesSaidAfter(log: Buffer, bad: number): number {
  let safeBytes = 0
  for (let at = bad + 1; at + RECORD_HEAD_BYTES < log.length; at++) {
    const record = recordAt(log, at)
    if (record === undefined) continue
    safeBytes = Math.max(safeBytes, log.readUIntLE(at + SAFE_AT, SAFE_BYTES))
    at += RECORD_HEAD_BYTES + record.length - 1
  }
  return safeBytes
}

function crcOf(bytes: Buffer, at: number, length: number): number {
  const rest = bytes.subarray(at + SAFE_AT, at + RECORD_HEAD_BYTES + length)
  return crc32(rest, crc32(bytes.subarray(at, at + CRC_AT)))
}
