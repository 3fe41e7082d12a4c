/** From what `--policy` says to a policy: a user's module is tried before it is let in. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Clock } from '../../../bus/clock.ts'
import { ClusterError } from '../../../protocol/errors.ts'
import type { Policy } from '../policy.ts'
import { type Guarded, guarded } from './guard.ts'
import { type PolicyChoice, policyOf } from './words.ts'

/** To import it, and to ask some thousand questions. */
const TRIAL_MS = 10_000
/** What it collects meanwhile is not to cost the machine. */
const TRIAL_MIB = 256

export interface LoadedPolicy {
  readonly policy: Policy
  /** Of somebody else's. Such a one is to be contained. */
  readonly asking?: Guarded['asking']
}

/**
 * @throws {ClusterError} `allocator/policy`: there is no such module, or it keeps no promise that a
 * policy makes.
 */
export async function loadPolicy(choice: PolicyChoice, clock: Clock): Promise<LoadedPolicy> {
  const { order } = choice
  if (typeof order === 'string') return { policy: policyOf(choice) }
  const { path } = order
  const [problem] = await tryPolicy(choice, clock)
  if (problem !== undefined) throw noPolicy(path, problem)
  const read = await readPolicy(path)
  if (typeof read === 'string') throw noPolicy(path, read)
  const { policy, asking } = guarded(read)
  return { policy: policyOf(choice, policy), asking }
}

const noPolicy = (path: string, problem: string): ClusterError =>
  new ClusterError('allocator/policy', 'never', `${path} is no policy: ${problem}`)

/**
 * What is wrong with a user's module, by the contract of policies; nothing: it may be used. It is
 * asked in a thread of its own, which is ended when it takes too long. With the project's own
 * nothing is.
 */
export async function tryPolicy(
  { order, placement }: PolicyChoice,
  clock: Clock,
): Promise<readonly string[]> {
  if (typeof order === 'string') return []
  if (!existsSync(order.path)) return [`there is no file ${resolve(order.path)}`]
  const entry = fileURLToPath(new URL('./trial.js', import.meta.url))
  const tried: Tried = { path: order.path, placement }
  const resourceLimits = { maxOldGenerationSizeMb: TRIAL_MIB }
  const worker = new Worker(entry, { workerData: tried, resourceLimits })
  let isLate = false
  const timer = clock.after(TRIAL_MS, () => {
    isLate = true
    void worker.terminate()
  })
  try {
    return await new Promise((done) => {
      worker.once('message', done)
      worker.once('error', (error) => done([`it threw ${String(error)}`]))
      worker.once('exit', () =>
        done([isLate ? `it did not answer within ${TRIAL_MS / 1_000} s` : 'it ends its process']),
      )
    })
  } finally {
    timer.cancel()
    await worker.terminate()
  }
}

/** What the thread is told. */
export interface Tried {
  readonly path: string
  readonly placement: PolicyChoice['placement'] | undefined
}

/** The default export of a module; a string: why that is no policy. */
export async function readPolicy(path: string): Promise<Policy | string> {
  let read: Partial<Policy> | null | undefined
  try {
    const module: { readonly default?: Partial<Policy> } = await import(
      pathToFileURL(resolve(path)).href
    )
    read = module.default
  } catch (error) {
    return `it cannot be loaded: ${String(error)}`
  }
  if (typeof read !== 'object' || read === null) return 'its default export is no object'
  for (const name of ['rankRole', 'rankMember'] as const)
    if (typeof read[name] !== 'function') return `it has no function ${name}`
  if (read.rankAgent !== undefined && typeof read.rankAgent !== 'function')
    return 'its rankAgent is no function'
  return read as Policy
}
