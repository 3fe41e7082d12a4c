/**
 * Loaded before a program by `--import`: at SIGUSR2 its event loop stands still for five seconds,
 * as with a long collection or a synchronous loop. It says so first.
 */
import { STALL_MS, STALLS } from './settings.ts'

process.on('SIGUSR2', () => {
  process.stderr.write(`${JSON.stringify({ message: STALLS })}\n`)
  const untilMs = performance.now() + STALL_MS
  while (performance.now() < untilMs);
})
