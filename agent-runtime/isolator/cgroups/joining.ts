/** Whether a process may join a cgroup: not all that can be made can be joined. */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tried } from '../tried.ts'
import { joinFile } from './files.ts'
import { removeCgroup } from './mounts.ts'

interface Joined {
  readonly base: string
  readonly version: 1 | 2
}

/** True if one may join new ones in all of these, the way that tasks do. */
export async function canJoin(all: readonly Joined[]): Promise<boolean> {
  const files = new Set(
    all.map(({ base, version }) => join(base, `probe-${process.pid}`, joinFile(version))),
  )
  const probes = [...files].map(dirname)
  for (const path of probes) mkdirSync(path, { recursive: true })
  const script = 'for file do echo 0 >"$file" || exit; done'
  const why = await tried(['/bin/sh', '-c', script, 'sh', ...files])
  for (const path of probes) removeCgroup(path)
  return why === undefined
}
