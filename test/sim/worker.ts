/** One thread of a batch. */
import { parentPort } from 'node:worker_threads'
import type { Job, Told } from './batch.ts'
import { type Outcome, runSeed } from './run-seed.ts'
import { shrink } from './shrink.ts'

const tell = (told: Told): void => parentPort?.postMessage(told)

parentPort?.on('message', (job: Job) => {
  void run(job).then((outcome) => tell({ kind: 'outcome', outcome }))
})

/** A run that fails is done again with fewer faults, and at last with its trace kept. */
async function run({ wanted, shrinkMs, about }: Job): Promise<Outcome> {
  const outcome = await runSeed(wanted)
  if (outcome.isOk) return outcome
  const onProgress = (text: string): void => tell({ kind: 'progress', text })
  const least = shrinkMs > 0 ? await shrink(outcome, { limitMs: shrinkMs, onProgress }) : outcome
  const { seed, minutes, keep, chances } = least
  const kept = { ...(keep && { keep }), ...(chances && { chances }) }
  return runSeed({ seed, minutes, ...kept }, { about })
}
