/** A master's own copy of the registry, on its disk: the batches of the log, as they were read. */
import { join } from 'node:path'
import { decodeNext, encode } from '../../bus/codec.ts'
import { check } from '../../protocol/check.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { openSyncedFileLog } from '../kit/record-log/synced-file.ts'
import type { LogBatch } from './registry/copy.ts'

export interface CopyStore {
  /** All that was saved, oldest first. Once: it is not kept in memory. */
  read(): readonly LogBatch[]
  /**
   * Saves behind the others, or in the place of all. Then calls `told`, once: what was saved is
   * safely on disk, or nothing was (`fault`). One call at a time.
   */
  save(
    batches: readonly LogBatch[],
    where: 'behind' | 'instead',
    told: (fault?: ClusterError) => void,
  ): void
}

/** @throws {ClusterError} `record-log/corrupt` or `master/copy-unreadable` (never). */
export function copyFile(workDir: string): CopyStore {
  const path = join(workDir, 'registry')
  const { log, records } = openSyncedFileLog(path, WHAT_TO_DO)
  let read = records.map((record) => batchOf(record, path))
  return {
    read() {
      const all = read
      read = []
      return all
    },
    save(batches, where, told) {
      const packed = batches.map((batch) => encode(batch))
      const saved = where === 'behind' ? log.append(packed) : log.rewrite(packed)
      saved.then(
        () => told(),
        (fault: ClusterError) => told(fault),
      )
    },
  }
}

const WHAT_TO_DO =
  'move it away to start without it: what it held is in the NATS store and in the copies of the ' +
  'other masters, if one of them is whole'

function batchOf(record: Uint8Array, path: string): LogBatch {
  const decoded = decodeNext(record)
  const { sequence, batch } = (decoded.ok ? decoded.value : {}) as Partial<LogBatch>
  const checked = check('RegistryBatch', batch)
  if (checked.ok && typeof sequence === 'number') return { sequence, batch: checked.value }
  const problem = checked.ok ? 'of no place in the log' : checked.refusal.message
  throw new ClusterError(
    'master/copy-unreadable',
    'never',
    `${path} holds what no master of this version wrote (${problem}): ${WHAT_TO_DO}`,
  )
}
