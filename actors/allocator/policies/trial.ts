/** The thread in which a user's policy is tried: what it does there harms nobody. */
import { parentPort, workerData } from 'node:worker_threads'
import { brokenPromises } from './contract.ts'
import { readPolicy, type Tried } from './load.ts'

const STACK_LENGTH_MAX = 300

async function problems({ path, placement }: Tried): Promise<readonly string[]> {
  const policy = await readPolicy(path)
  if (typeof policy === 'string') return [policy]
  if (placement !== undefined && policy.rankAgent !== undefined)
    return [`it ranks agents itself: leave out ${placement}`]
  try {
    return brokenPromises(policy)
  } catch (error) {
    return [`it threw ${whatAndWhere(error)}`]
  }
}

function whatAndWhere(error: unknown): string {
  const stack = String((error as Error | undefined)?.stack ?? error)
  const lines = stack.split('\n').slice(0, 2)
  return lines
    .map((line) => line.trim())
    .join(' ')
    .slice(0, STACK_LENGTH_MAX)
}

parentPort?.postMessage(await problems(workerData as Tried))
