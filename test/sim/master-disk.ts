/** What a master keeps on its own disk: it outlives its crashes, unless the disk is lost. */
import type { MasterOptions } from '../../actors/master/main.ts'
import type { Process } from './process.ts'

export class MasterDisk {
  #epoch = 0

  /** The options by which a master uses it. */
  of(process: Process): Pick<MasterOptions, 'epochs'> {
    return {
      epochs: {
        read: () => this.#epoch,
        save: (taken) => {
          if (!process.isAlive) return
          this.#epoch = taken
          process.acted()
        },
      },
    }
  }

  lose(): void {
    this.#epoch = 0
  }
}
