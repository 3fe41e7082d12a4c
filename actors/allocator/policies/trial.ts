/** The thread in which a user's policy is tried: what it does there harms nobody. */
import { parentPort, workerData } from 'node:worker_threads'
import { brokenPromises } from './contract.ts'
import { readPolicy, type Tried } from './load.ts'

const TOLD_LENGTH_MAX = 300

async function problems({ path, placement }: Tried): Promise<readonly string[]> {
  const policy = await readPolicy(path)
  if (typeof policy === 'string') return [policy]
  if (placement !== undefined && policy.rankAgent !== undefined)
    return [`it ranks agents itself: leave out ${placement}`]
  try {
    return brokenPromises(policy)
  } catch (error) {
    return [`it threw ${String(error).split('\n', 1)[0]?.slice(0, TOLD_LENGTH_MAX)}`]
  }
}

parentPort?.postMessage(await problems(workerData as Tried))
