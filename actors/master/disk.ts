/** What a master keeps on its own disk. */
import type { ClusterError } from '../../protocol/errors.ts'
import type { CopyStore } from './copy-file.ts'
import type { Effect } from './effects.ts'
import type { EpochStore } from './epoch-file.ts'
import type { Input } from './inputs.ts'

export interface MasterDisk {
  readonly epochs: EpochStore
  readonly copy: CopyStore
}

type DiskEffect = Extract<Effect, { do: 'save-copy' | 'save-epoch' }>

/** Performs one effect; its outcome is an input. A disk that takes nothing is an outcome too. */
export function performOnDisk(
  { epochs, copy }: MasterDisk,
  effect: DiskEffect,
  take: (input: Input) => void,
): void {
  if (effect.do === 'save-copy') {
    copy.save(effect.batches, effect.where, (fault) =>
      take(
        fault === undefined
          ? { kind: 'copy.saved' }
          : { kind: 'copy.unsaved', problem: problemOf(fault) },
      ),
    )
  } else {
    const { epoch } = effect
    epochs.save(epoch, (fault) =>
      take(
        fault === undefined
          ? { kind: 'epoch.saved', epoch }
          : { kind: 'epoch.unsaved', epoch, problem: problemOf(fault) },
      ),
    )
  }
}

/** With what the system said, which names it. */
function problemOf({ message, cause }: ClusterError): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
