/** Actors begin together with their servers, or after both were lost: they wait a while. */
import type { Log } from '../actors/kit/logger.ts'
import { sleep, systemClock } from '../bus/clock.ts'
import { ClusterError } from '../protocol/errors.ts'

/** Three servers that were started, or lost one, need up to nine seconds to agree who leads. */
const PATIENCE_MS = 20_000
const RETRY_MS = 500
/** What a server that is about to be there looks like. */
const WAITED_FOR: ReadonlySet<string> = new Set(['bus/no-server', 'bus/store-unavailable'])

/** Tries until it succeeds. @throws {unknown} What `start` throws, when it has waited enough. */
export async function patiently<T>(log: Log, start: () => Promise<T>): Promise<T> {
  const endMs = systemClock.now().monotonicMs + PATIENCE_MS
  for (let tries = 1; ; tries++)
    try {
      return await start()
    } catch (error) {
      const isOver = systemClock.now().monotonicMs >= endMs
      if (!(error instanceof ClusterError) || !WAITED_FOR.has(error.code) || isOver) throw error
      if (tries === 1) log({ level: 'warn', message: `waits: ${error.message}` })
      await sleep(RETRY_MS)
    }
}
