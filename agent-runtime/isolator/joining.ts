/** Whether a process may join a cgroup: not all that can be made can be joined. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { removeCgroup } from './cgroup-mounts.ts'
import { tried } from './tried.ts'

/** True if one may join new ones in all of these. */
export async function canJoin(bases: readonly string[]): Promise<boolean> {
  const probes = bases.map((base) => join(base, `probe-${process.pid}`))
  for (const path of probes) mkdirSync(path, { recursive: true })
  const script = 'for path do echo 0 >"$path/cgroup.procs" || exit; done'
  const why = await tried(['/bin/sh', '-c', script, 'sh', ...probes])
  for (const path of probes) removeCgroup(path)
  return why === undefined
}
