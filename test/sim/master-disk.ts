/** What a master keeps on its own disk: it outlives its crashes, unless the disk is lost. */
import type { MasterOptions } from '../../actors/master/main.ts'
import type { LogBatch } from '../../actors/master/registry/copy.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { Process } from './process.ts'

const FULL = new ClusterError('record-log/write-failed', 'later', 'the disk is full')

export class MasterDisk {
  /** It takes nothing. */
  isFull = false
  /** What waits while it does not answer; undefined: it answers. */
  #waiting: (() => void)[] | undefined
  #epoch = 0
  #registry: readonly LogBatch[] = []

  /** The options by which a master uses it. */
  of(process: Process): Pick<MasterOptions, 'epochs' | 'copy'> {
    return {
      epochs: {
        read: () => this.#epoch,
        save: (taken, done) => {
          this.#save(process, done, () => {
            this.#epoch = taken
          })
        },
      },
      copy: {
        read: () => this.#registry,
        save: (batches, where, done) => {
          this.#save(process, done, () => {
            this.#registry = where === 'behind' ? [...this.#registry, ...batches] : batches
          })
        },
      },
    }
  }

  #save(process: Process, done: (fault?: ClusterError) => void, keep: () => void): void {
    if (!process.isAlive) return
    // One that stands still hears of it afterwards.
    if (this.#waiting !== undefined)
      this.#waiting.push(() => process.clock.after(0, () => this.#save(process, done, keep)))
    else if (this.isFull) done(FULL)
    else {
      keep()
      process.acted()
      done()
    }
  }

  /** What it is given from now on is neither there nor refused, until it answers again. */
  setSilent(isSilent: boolean): void {
    const waiting = this.#waiting ?? []
    this.#waiting = isSilent ? waiting : undefined
    if (!isSilent) for (const save of waiting) save()
  }

  lose(): void {
    this.#epoch = 0
    this.#registry = []
  }
}
