/**
 * Looks into a process from within, which knows nothing of it: `node --expose-gc --import
 * …/probe.js`. Each SIGUSR2 collects garbage and says on stderr what is left, and how long the
 * longest turn of the event loop was since the last one, as a log line.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'

/** What such a line is called. */
export const PROBED = 'probed'

/** Shorter turns are not told from waiting. */
const RESOLUTION_MS = 20
const NS_PER_MS = 1_000_000

/** For `node`, of a process that is to be probed. */
export const PROBE_FLAGS: readonly string[] = [
  '--expose-gc',
  '--import',
  fileURLToPath(import.meta.url),
]

const { gc } = globalThis
if (gc !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  process.on('SIGUSR2', () => {
    const longestTurnMs = Math.max(0, Math.round(delay.max / NS_PER_MS - RESOLUTION_MS))
    gc()
    const { heapUsed } = process.memoryUsage()
    const line = { level: 'info', message: PROBED, heapUsed, longestTurnMs }
    process.stderr.write(`${JSON.stringify(line)}\n`)
    // Its own is not counted.
    setImmediate(() => delay.reset())
  })
}
