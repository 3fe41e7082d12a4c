/** Removing what tasks wrote into, with nothing of what is mounted there. */
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { unmountAt } from './mounts.ts'

const run = promisify(execFile)

/**
 * A folder, if it is there. Who wrote there is gone.
 *
 * @throws when something stays mounted there: then nothing is removed.
 */
export async function removeFolder(path: string): Promise<void> {
  const wasMounted = await unmountAt(path)
  // Node gives up where names are longer together than a path may be, and would go into what is
  // mounted there in this moment; rm(1) goes down step by step, and stays on the disk.
  const stepByStep = (): Promise<unknown> =>
    run('rm', ['-rf', '--one-file-system', '--', path], { cwd: '/' })
  if (wasMounted) await stepByStep()
  else await rm(path, { recursive: true, force: true }).catch(stepByStep)
}
