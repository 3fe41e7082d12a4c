/** GPUs, whole: each is one task's from its launch to its last process. */
import type { Hold } from './hold.ts'
import type { Isolator, Opened } from './isolator.ts'
import type { Shared } from './shared.ts'

export const gpusIsolator: Isolator = { name: 'gpus', open: openGpus }

function openGpus({ gpus, cgroups }: Shared): Opened {
  if (gpus.all.length === 0) return { missing: [] }
  const isHeld = cgroups?.bases.has('devices') ?? false
  const areClosed = cgroups?.devices === 'closed'
  return {
    works: {
      problem({ gpus: count = 0 }) {
        if (areClosed && count > 0) return CLOSED
        if (count <= gpus.free) return undefined
        return `it was given ${count} GPUs, and so many are not free here`
      },
      prepare({ containerId, gpus: count = 0 }) {
        const taken = gpus.take(containerId, count)
        const environment = gpuEnvironment(taken, { isHeld })
        if (count === 0) return { environment }
        return { hold: { isolator: 'gpus', gpus: taken }, environment }
      },
      keep: (containerId, holds) => gpus.keep(containerId, gpusOf(holds)),
      release: (containerId) => gpus.release(containerId),
    },
    missing: [...(isHeld ? [] : [OPEN]), ...(areClosed ? [CLOSED] : [])],
  }
}

const OPEN = 'a task is told which GPUs are its own, but nothing keeps others from opening them'
const CLOSED =
  'no task can be given a GPU: the cgroups of its agent may not open them all, as the kernel refused it'

const gpusOf = (holds: readonly Hold[]): readonly number[] =>
  holds.flatMap((hold) => (hold.isolator === 'gpus' ? hold.gpus : []))

/**
 * What a task is told of GPUs, where there are any: one that was given none is not to find the
 * others. `isHeld`: it can open no others anyway. Then CUDA counts only its own, from 0, and a list
 * of numbers would mislead it.
 */
function gpuEnvironment(
  gpus: readonly number[],
  { isHeld }: { readonly isHeld: boolean },
): Readonly<Record<string, string>> {
  const list = gpus.join(',')
  return {
    NVIDIA_VISIBLE_DEVICES: list === '' ? 'void' : list,
    ...(!isHeld && { CUDA_VISIBLE_DEVICES: list }),
  }
}
