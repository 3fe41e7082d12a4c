/** Detached runs: what each has said, and which process it is. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readClaim } from '../../bus/nats/claimed-file.ts'
import { devFilePath, readDevFile } from '../../bus/nats/dev-file.ts'
import { devFolder, stateFolder } from '../../bus/nats/state-folder.ts'
import type { RunOptions } from '../../frameworks/run/run.ts'
import { ClusterError } from '../../protocol/errors.ts'

const OWNER = '.owner'

/** Runs on the cluster of the `bourse dev` that runs here end with its state, where they are. */
export function runsFolder(
  { nats, cluster }: Pick<RunOptions, 'nats' | 'cluster'>,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const dev = readDevFile(devFilePath(env))
  const isOfDev = dev?.url !== undefined && nats.servers.includes(dev.url)
  return join(isOfDev && dev.cluster === cluster ? devFolder(env) : stateFolder(env), 'runs')
}

/** The file that the process of a run claims, beside what it says. */
export const ownerFileOf = (logPath: string): string => `${logPath}${OWNER}`

/**
 * Ends the processes of all runs of the folder: their cluster is gone.
 * @throws {ClusterError} `cli/runs-not-ended` (never): of all that could be, none is left.
 */
export function endRuns(folder: string): void {
  if (!existsSync(folder)) return
  const faults: Error[] = []
  for (const name of readdirSync(folder).filter((one) => one.endsWith(OWNER))) {
    const owner = readClaim(join(folder, name))
    // Nobody is ended who may be another process of that pid.
    if (!owner?.started) continue
    try {
      process.kill(owner.pid, 'SIGKILL')
    } catch (error) {
      const fault = error as NodeJS.ErrnoException
      // ESRCH: it has just ended.
      if (fault.code !== 'ESRCH') faults.push(fault)
    }
  }
  const [cause] = faults
  if (cause === undefined) return
  const message = `${faults.length} of the runs of ${folder} cannot be ended: ${cause.message}`
  throw new ClusterError('cli/runs-not-ended', 'never', message, { cause })
}
