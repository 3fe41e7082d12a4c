/**
 * Loaded before a program by `--import`: a master that has led once believes for ever that it
 * leads. It does not ask the clock whether its lease counts, and passes over that it was lost.
 */
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

/** In the compiled file, so without types. Each must be there once: the code has changed else. */
const CHANGES: readonly (readonly [string, string])[] = [
  ['turn.now.monotonicMs < deadlineMs(turn)', 'deadlineMs(turn) > 0'],
  [
    'leaseStep(lease.state, event)',
    "(lease.state === 'leading' && event === 'lease.lost' ? undefined : leaseStep(lease.state, event))",
  ],
]

interface Loaded {
  readonly source: string | Uint8Array
}
type Load = (url: string, context: object) => Promise<Loaded>

/** Called by Node for each module. @throws when the file is not as it was. */
export async function load(url: string, context: object, next: Load): Promise<Loaded> {
  const loaded = await next(url, context)
  if (!url.endsWith('/actors/master/lead/lease.js')) return loaded
  let source = Buffer.from(loaded.source).toString()
  for (const [from, to] of CHANGES) {
    if (source.split(from).length !== 2) throw new Error(`lease.js has not, once: ${from}`)
    source = source.replace(from, to)
  }
  return { ...loaded, source }
}

if (isMainThread) register(import.meta.url)
