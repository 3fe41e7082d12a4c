/** The thread in which a user's policy is tried: what it does there harms nobody. */
import { parentPort, workerData } from 'node:worker_threads'
import { brokenPromises } from './contract.ts'
import { readPolicy } from './load.ts'

const STACK_LENGTH_MAX = 300

async function problems(): Promise<readonly string[]> {
  const policy = await readPolicy(String(workerData))
  if (typeof policy === 'string') return [policy]
  try {
    return brokenPromises(policy)
  } catch (error) {
    // Its first lines say where.
    const stack = String((error as Error | undefined)?.stack ?? error)
    return [`it threw ${stack.slice(0, STACK_LENGTH_MAX)}`]
  }
}

parentPort?.postMessage(await problems())
