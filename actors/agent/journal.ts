/** The checkpoint of all agents of one process: each record says whose it is. */
import type {
  Checkpoint,
  Durability,
  OpenedCheckpoint,
} from '../../agent-runtime/checkpoint/checkpoint.ts'
import { RECORD_BYTES_MAX } from '../../agent-runtime/checkpoint/checkpoint.ts'
import { decode } from '../../bus/codec.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { AgentId } from '../../protocol/ids.ts'
import type { AgentRecord } from './records.ts'
import { chunks } from './snapshot.ts'

/** What one agent has to remember of one turn, in order. */
export interface JournalEntry {
  readonly agentId: AgentId
  readonly records: readonly AgentRecord[]
}

/** It is written anew when it is so much larger than it was then, but not while it is small. */
const GROWTH_MAX = 4
const SMALL_BYTES = 16 * 1024 * 1024
/** So many records of agents make one of the log, at most: it is not too long with the longest. */
const PACKED_MAX = 64

export class Journal {
  readonly #checkpoint: Checkpoint
  readonly #recalled = new Map<AgentId, AgentRecord[]>()
  #rewrittenBytes = 0

  /** @throws {ClusterError} `agent/unreadable-record`: another program's, or damaged. */
  constructor({ checkpoint, records }: OpenedCheckpoint) {
    this.#checkpoint = checkpoint
    for (const { agentId, records: some } of records.flatMap(unpack)) {
      const own = this.#recalled.get(agentId)
      if (own === undefined) this.#recalled.set(agentId, [...some])
      else own.push(...some)
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
    this.#checkpoint.append(pack(entries), durability)
  }

  /** @throws {ClusterError} as `Checkpoint.rewrite`. */
  rewrite(entries: readonly JournalEntry[]): void {
    this.#checkpoint.rewrite(pack(entries))
    this.#rewrittenBytes = this.#checkpoint.sizeBytes
  }

  close(): void {
    this.#checkpoint.close()
  }
}

/**
 * Many records in one of the log, as JSON: it is nobody's but ours, and what packs one record after
 * the other costs six times as much.
 */
function pack(entries: readonly JournalEntry[]): readonly Uint8Array[] {
  const packed: Uint8Array[] = []
  let part: JournalEntry[] = []
  let count = 0
  const close = (): void => {
    if (count > 0) packed.push(Buffer.from(JSON.stringify(part)))
    part = []
    count = 0
  }
  for (const { agentId, records } of entries) {
    for (const some of chunks(records, PACKED_MAX)) {
      if (count + some.length > PACKED_MAX) close()
      part.push({ agentId, records: some })
      count += some.length
    }
  }
  close()
  return packed
}

function unpack(bytes: Uint8Array): readonly JournalEntry[] {
  const entries = bytes[0] === FIRST_OF_A_LIST ? parse(bytes) : [decodeSingle(bytes)]
  if (entries.every(isEntry)) return entries
  throw unreadable('it is of no agent')
}

/** `[`: what stands before it is of the first packing. */
const FIRST_OF_A_LIST = 0x5b

function parse(bytes: Uint8Array): readonly unknown[] {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as readonly unknown[]
  } catch (error) {
    throw unreadable((error as Error).message)
  }
}

/** One record by itself, as agents of 0.1.0 wrote them. */
function decodeSingle(bytes: Uint8Array): unknown {
  const decoded = decode(bytes, RECORD_BYTES_MAX)
  if (!decoded.ok) throw unreadable(decoded.refusal.message)
  const { agentId, record } = decoded.value as { agentId?: unknown; record?: unknown }
  return { agentId, records: [record] }
}

function isEntry(value: unknown): value is JournalEntry {
  const { agentId, records } = (value ?? {}) as Partial<JournalEntry>
  return (
    typeof agentId === 'string' &&
    Array.isArray(records) &&
    records.every((record) => typeof record === 'object' && record !== null)
  )
}

function unreadable(what: string): ClusterError {
  return new ClusterError(
    'agent/unreadable-record',
    'never',
    `the checkpoint holds a record that no agent wrote: ${what}`,
  )
}
