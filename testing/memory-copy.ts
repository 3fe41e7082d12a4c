/** A master's copy of the registry on a disk that is only simulated. */
import type { CopyStore } from '../actors/master/copy-file.ts'
import type { LogBatch } from '../actors/master/registry/copy.ts'

/** It outlives the master that is handed it. */
export function memoryCopy(): CopyStore {
  let kept: LogBatch[] = []
  return {
    read: () => [...kept],
    save(batches, where, done) {
      if (where === 'behind') kept.push(...batches)
      else kept = [...batches]
      done()
    },
  }
}
