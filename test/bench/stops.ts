/**
 * Watches the event loop of a process from within, which knows nothing of it: `node --import
 * …/stops.js`. Each SIGUSR2 says on stderr, as a log line, how long it stood still at most since
 * the last one, and how much of that time its thread was ready and waited for a core: that part is
 * the machine's, the rest its own.
 */
import { openSync, readSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What such a line is called. */
export const STOPS = 'stops'

/** Of the main thread, since the last time. */
export interface Stops {
  /** The longest time in which nothing else could be done. */
  readonly longestStopMs: number
  /** The longest, less what it waited for a core. */
  readonly longestOwnStopMs: number
  /** What it was on a core, and what it was ready and had none, as a part of the time. */
  readonly onCorePart: number
  readonly noCorePart: number
}

const PATH = fileURLToPath(import.meta.url)

/** For `node`, of a process that is to be watched. */
export const STOPS_FLAGS: readonly string[] = ['--import', PATH]

/** Shorter ones are not told from waiting. */
const TICK_MS = 2
const NS_PER_MS = 1e6

if (process.execArgv.includes(PATH)) watch()

function watch(): void {
  const file = openSync('/proc/thread-self/schedstat', 'r')
  const buffer = Buffer.alloc(128)
  /** How long it was on a core, and how long it waited for one. */
  const counted = () => {
    const [ran = 0, waited = 0] = buffer
      .toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0))
      .split(' ')
      .map(Number)
    return { atMs: performance.now(), ranMs: ran / NS_PER_MS, waitedMs: waited / NS_PER_MS }
  }
  let begun = counted()
  let last = begun
  let longestStopMs = 0
  let longestOwnStopMs = 0
  setInterval(() => {
    const now = counted()
    const stopMs = now.atMs - last.atMs - TICK_MS
    longestStopMs = Math.max(longestStopMs, stopMs)
    longestOwnStopMs = Math.max(longestOwnStopMs, stopMs - (now.waitedMs - last.waitedMs))
    last = now
  }, TICK_MS).unref()
  process.on('SIGUSR2', () => {
    const now = counted()
    const elapsedMs = now.atMs - begun.atMs
    const stops = {
      longestStopMs: Math.round(longestStopMs),
      longestOwnStopMs: Math.round(longestOwnStopMs),
      onCorePart: (now.ranMs - begun.ranMs) / elapsedMs,
      noCorePart: (now.waitedMs - begun.waitedMs) / elapsedMs,
    } satisfies Stops
    process.stderr.write(`${JSON.stringify({ level: 'info', message: STOPS, ...stops })}\n`)
    begun = now
    last = counted()
    longestStopMs = 0
    longestOwnStopMs = 0
  })
}
