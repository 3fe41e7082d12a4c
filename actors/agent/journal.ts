/** The checkpoint of all agents of one process: each record says whose it is. */
import assert from 'node:assert/strict'
import { ClusterError } from '../../protocol/errors.ts'
import type { AgentId } from '../../protocol/ids.ts'
import { TASK_BYTES_MAX } from '../../protocol/limits.ts'
import type { Durability, OpenedRecordLog, RecordLog } from '../kit/record-log/record-log.ts'
import { RECORD_BYTES_MAX } from '../kit/record-log/record-log.ts'
import type { AgentRecord } from './records.ts'
import { isRow, type Row, recordOf, rowOf } from './rows.ts'
import { chunks } from './snapshot.ts'

/** What one agent has to remember of one turn, in order. */
export interface JournalEntry {
  readonly agentId: AgentId
  readonly records: readonly AgentRecord[]
}

/** It is written anew when it is so much larger than it was then, but not while it is small. */
const GROWTH_MAX = 4
const SMALL_BYTES = 16 * 1024 * 1024
const SPACE_BYTES = 1024 * 1024
/** So many records of agents make one of the log, at most. */
const PACKED_MAX = 64
/** What a byte on the wire takes in JSON, at most: control characters are written `\u0000`. */
const JSON_BYTES_MAX = 6

// With the longest records it is not too long.
assert(PACKED_MAX * JSON_BYTES_MAX * TASK_BYTES_MAX < RECORD_BYTES_MAX)

export class Journal {
  readonly #log: RecordLog
  readonly #recalled = new Map<AgentId, AgentRecord[]>()
  #rewrittenBytes = 0
  /** Where records are packed before they are written: to allocate it each time takes longer. */
  #space = Buffer.allocUnsafe(SPACE_BYTES)

  /** @throws {ClusterError} `agent/unreadable-record`: another program's, or damaged. */
  constructor({ log, records }: OpenedRecordLog) {
    this.#log = log
    for (const { agentId, records: some } of records.flatMap(unpack)) {
      const own = this.#recalled.get(agentId)
      if (own === undefined) this.#recalled.set(agentId, [...some])
      else own.push(...some)
    }
  }

  get isLarge(): boolean {
    const { sizeBytes } = this.#log
    return sizeBytes > Math.max(SMALL_BYTES, GROWTH_MAX * this.#rewrittenBytes)
  }

  /** Whose records were in it when it was opened. */
  get agentIds(): readonly AgentId[] {
    return [...this.#recalled.keys()]
  }

  /** The records of an agent's earlier starts, once. */
  recall(agentId: AgentId): readonly AgentRecord[] {
    const records = this.#recalled.get(agentId) ?? []
    this.#recalled.delete(agentId)
    return records
  }

  /** @throws {ClusterError} as `RecordLog.append`. */
  append(entries: readonly JournalEntry[], durability: Durability): void {
    this.#log.append(this.#pack(entries), durability)
  }

  /** @throws {ClusterError} as `RecordLog.rewrite`. */
  rewrite(entries: readonly JournalEntry[]): void {
    this.#log.rewrite(this.#pack(entries))
    this.#rewrittenBytes = this.#log.sizeBytes
  }

  close(): void {
    this.#log.close()
  }

  /** Good until the next call. */
  #pack(entries: readonly JournalEntry[]): readonly Uint8Array[] {
    let at = 0
    return textsOf(entries).map((text) => {
      const bytesMax = text.length * 3
      if (at + bytesMax > this.#space.length) {
        this.#space = Buffer.allocUnsafe(Math.max(SPACE_BYTES, bytesMax))
        at = 0
      }
      const from = at
      at += this.#space.write(text, from)
      return this.#space.subarray(from, at)
    })
  }
}

/** What one agent has to remember, as it stands in the log. */
type Packed = readonly [AgentId, ...Row[]]

/**
 * Many records in one of the log, as JSON: it is nobody's but ours, and what packs one record after
 * the other costs six times as much.
 */
function textsOf(entries: readonly JournalEntry[]): readonly string[] {
  const texts: string[] = []
  let part: Packed[] = []
  let count = 0
  const close = (): void => {
    if (count > 0) texts.push(JSON.stringify(part))
    part = []
    count = 0
  }
  for (const { agentId, records } of entries) {
    for (const some of chunks(records, PACKED_MAX)) {
      if (count + some.length > PACKED_MAX) close()
      part.push([agentId, ...some.map(rowOf)])
      count += some.length
    }
  }
  close()
  return texts
}

function unpack(bytes: Uint8Array): readonly JournalEntry[] {
  const packed = parse(bytes)
  if (!Array.isArray(packed)) throw unreadable('it is no list')
  return packed.map(entryOf)
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch (error) {
    throw unreadable((error as Error).message)
  }
}

function entryOf(value: unknown): JournalEntry {
  const [agentId, ...rows] = (Array.isArray(value) ? value : []) as readonly unknown[]
  if (typeof agentId !== 'string') throw unreadable('it is of no agent')
  if (!rows.every(isRow)) throw unreadable('its kind is not known')
  return { agentId: agentId as AgentId, records: rows.map(recordOf) }
}

function unreadable(what: string): ClusterError {
  return new ClusterError(
    'agent/unreadable-record',
    'never',
    `the checkpoint holds a record that no agent wrote: ${what}`,
  )
}
