/** The checkpoint of all agents of one process: each record says whose it is. */
import type {
  Checkpoint,
  Durability,
  OpenedCheckpoint,
} from '../../agent-runtime/checkpoint/checkpoint.ts'
import { RECORD_BYTES_MAX } from '../../agent-runtime/checkpoint/checkpoint.ts'
import { decode, encode } from '../../bus/codec.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { AgentId } from '../../protocol/ids.ts'
import type { AgentRecord } from './records.ts'

export interface JournalEntry {
  readonly agentId: AgentId
  readonly record: AgentRecord
}

/** It is written anew when it is so much larger than it was then, but not while it is small. */
const GROWTH_MAX = 4
const SMALL_BYTES = 1024 * 1024

export class Journal {
  readonly #checkpoint: Checkpoint
  readonly #recalled = new Map<AgentId, AgentRecord[]>()
  #rewrittenBytes = 0

  /** @throws {ClusterError} `agent/unreadable-record`: another program's, or damaged. */
  constructor({ checkpoint, records }: OpenedCheckpoint) {
    this.#checkpoint = checkpoint
    for (const bytes of records) {
      const { agentId, record } = decodeEntry(bytes)
      const own = this.#recalled.get(agentId)
      if (own === undefined) this.#recalled.set(agentId, [record])
      else own.push(record)
    }
  }

  get isLarge(): boolean {
    const { sizeBytes } = this.#checkpoint
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

  /** @throws {ClusterError} as `Checkpoint.append`. */
  append(entries: readonly JournalEntry[], durability: Durability): void {
    this.#checkpoint.append(entries.map(encode), durability)
  }

  /** @throws {ClusterError} as `Checkpoint.rewrite`. */
  rewrite(entries: readonly JournalEntry[]): void {
    this.#checkpoint.rewrite(entries.map(encode))
    this.#rewrittenBytes = this.#checkpoint.sizeBytes
  }

  close(): void {
    this.#checkpoint.close()
  }
}

function decodeEntry(bytes: Uint8Array): JournalEntry {
  const decoded = decode(bytes, RECORD_BYTES_MAX)
  const entry = decoded.ok ? (decoded.value as Partial<JournalEntry> | null) : null
  if (typeof entry?.agentId !== 'string' || typeof entry.record !== 'object') {
    const what = decoded.ok ? 'it is of no agent' : decoded.refusal.message
    throw new ClusterError(
      'agent/unreadable-record',
      'never',
      `the checkpoint holds a record that no agent wrote: ${what}`,
    )
  }
  return { agentId: entry.agentId, record: entry.record }
}
