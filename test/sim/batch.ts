/** Many seeds on several cores: each worker takes the next one when it is done. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Outcome, Wanted } from './run-seed.ts'

/** Nearly all of a run is forgotten at once: to collect it less often is cheaper. */
const LIMITS = { maxYoungGenerationSizeMb: 192 }

export interface BatchOptions {
  readonly jobs: number
  /** For the faults of a run that fails to be made fewer, in real time; 0: they stay. */
  readonly shrinkMs: number
  /** A run that fails is told of these words. */
  readonly about?: readonly string[]
  readonly onProgress: (text: string) => void
  /** In the order in which they end; `done` counts them. */
  readonly onOutcome: (outcome: Outcome, done: number) => void
  /** The rest is not run after a failure. */
  readonly stopsAtFailure?: boolean
}

export interface Job {
  readonly wanted: Wanted
  readonly shrinkMs: number
  readonly about: readonly string[]
}

export type Told =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }

/** In the order in which they were wanted. */
export async function runBatch(
  wanted: readonly Wanted[],
  options: BatchOptions,
): Promise<readonly Outcome[]> {
  const { jobs, shrinkMs, about = [], onProgress, onOutcome, stopsAtFailure = false } = options
  const waiting = [...wanted]
  const outcomes: Outcome[] = []
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { resourceLimits: LIMITS })
    worker.on('message', (told: Told) => {
      if (told.kind === 'progress') onProgress(told.text)
    })
    const isOver = (): boolean => stopsAtFailure && outcomes.some(({ isOk }) => !isOk)
    for (let next = waiting.shift(); next !== undefined && !isOver(); next = waiting.shift()) {
      worker.postMessage({ wanted: next, shrinkMs, about } satisfies Job)
      const outcome = await outcomeOf(worker)
      outcomes.push(outcome)
      onOutcome(outcome, outcomes.length)
    }
    await worker.terminate()
  }
  await Promise.all(Array.from({ length: jobs }, work))
  return outcomes.sort((a, b) => a.seed - b.seed)
}

async function outcomeOf(worker: Worker): Promise<Outcome> {
  for (;;) {
    const [told] = (await once(worker, 'message')) as [Told]
    if (told.kind === 'outcome') return told.outcome
  }
}
