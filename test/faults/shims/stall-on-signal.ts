/**
 * Loaded before a program by `--import`: at SIGUSR2 its event loop stands still for five seconds,
 * as with a long collection or a synchronous loop.
 */
import { STALL_MS } from './settings.ts'

process.on('SIGUSR2', () => {
  const untilMs = performance.now() + STALL_MS
  while (performance.now() < untilMs);
})
