/** `bourse run` on a simulated cluster: it needs no server, and tasks only pretend. */
import type { RunResult } from '../../frameworks/run/result.ts'
import { type Display, type RunOptions, runCommand } from '../../frameworks/run/run.ts'

/** Shows nothing. */
export const BLIND: Display = {
  changed: () => undefined,
  waiting: () => undefined,
  output: () => undefined,
  outputMissing: () => undefined,
}

type Wanted = Partial<RunOptions> & Required<Pick<RunOptions, 'world'>>

/** One small instance, unless something else is wanted. */
export function simulatedRun(wanted: Wanted, display: Display): Promise<RunResult> {
  const nats = { servers: ['nats://nowhere'], source: 'a simulated cluster' }
  const options = { command: ['true'], cpus: 1, mem: 32, nats, cluster: 'bourse' }
  return runCommand({ ...options, ...wanted }, display)
}
