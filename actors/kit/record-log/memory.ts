/** A record log on a disk that is only simulated. */
import { strict as assert } from 'node:assert'
import {
  type Durability,
  type OpenedRecordLog,
  RECORD_BYTES_MAX,
  type RecordLog,
} from './record-log.ts'

/**
 * What outlives a simulated process. `open` again after its crash: nothing that was appended is
 * lost.
 */
export class MemoryDisk {
  #records: Uint8Array[] = []
  #sizeBytes = 0
  #safeRecords = 0

  open(): OpenedRecordLog {
    const sizeBytes = () => this.#sizeBytes
    const log: RecordLog = {
      get sizeBytes() {
        return sizeBytes()
      },
      append: (records, durability) => this.#append(records, durability),
      rewrite: (records) => {
        this.#records = []
        this.#sizeBytes = 0
        this.#append(records, 'disk')
      },
      close() {},
    }
    return { log, records: [...this.#records], tornBytes: 0 }
  }

  /** The power goes: of the records that were not safe on disk only the first `keep` are left. */
  losePower(keep = 0): void {
    this.#records.length = Math.min(this.#records.length, this.#safeRecords + keep)
    this.#sizeBytes = this.#records.reduce((sum, { length }) => sum + length, 0)
    this.#safeRecords = this.#records.length
  }

  #append(records: readonly Uint8Array[], durability: Durability): void {
    for (const record of records) {
      assert(record.length > 0 && record.length <= RECORD_BYTES_MAX, 'a record has its bounds')
      // A Buffer's own slice would be no copy.
      this.#records.push(new Uint8Array(record))
      this.#sizeBytes += record.length
    }
    if (durability === 'disk') this.#safeRecords = this.#records.length
  }
}
