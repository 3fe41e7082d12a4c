/** What a master keeps on its own disk: it outlives its crashes, unless the disk is lost. */
import type { MasterOptions } from '../../actors/master/main.ts'
import type { LogBatch } from '../../actors/master/registry/copy.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { Process } from './process.ts'

const FULL = new ClusterError('record-log/write-failed', 'later', 'the disk is full')

export class MasterDisk {
  /** It takes nothing. */
  isFull = false
  #epoch = 0
  #registry: readonly LogBatch[] = []

  /** The options by which a master uses it. */
  of(process: Process): Pick<MasterOptions, 'epochs' | 'copy'> {
    return {
      epochs: {
        read: () => this.#epoch,
        save: (taken, done) => {
          if (!process.isAlive) return
          if (this.isFull) return done(FULL)
          this.#epoch = taken
          process.acted()
          done()
        },
      },
      copy: {
        read: () => this.#registry,
        save: (batches, where, done) => {
          if (!process.isAlive) return
          if (this.isFull) return done(FULL)
          this.#registry = where === 'behind' ? [...this.#registry, ...batches] : batches
          process.acted()
          done()
        },
      },
    }
  }

  lose(): void {
    this.#epoch = 0
    this.#registry = []
  }
}
