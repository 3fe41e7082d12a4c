/**
 * What tasks have left on a machine, counted from outside: no agent is asked. All that is made for
 * a task is called by the number of its launch.
 */
import { spawnSync } from 'node:child_process'
import { type Dirent, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../bus/clock.ts'
import type { LabCluster } from '../lab/contract.ts'
import { hasProgram } from '../support/needs.ts'

const CGROUPS = '/sys/fs/cgroup'
/** Of an agent's work directory: they stay for a while, so that output can be read. */
const SANDBOXES = 'sandboxes'
/** Where else something could lie. */
const ELSEWHERE = ['/tmp', '/run', '/dev/shm']
const ROUNDS = 50
const ROUND_MS = 100

/** Of these launches, a line each. */
export function leftOf(launches: readonly string[], { agents }: LabCluster): readonly string[] {
  const isOf = (text: string): boolean => launches.some((one) => text.includes(one))
  const files = [
    ...agents.flatMap(({ workDir }) =>
      namesIn(workDir)
        .filter((name) => name !== SANDBOXES)
        .flatMap((name) => pathsBelow(join(workDir, name))),
    ),
    ...ELSEWHERE.flatMap((folder) => namesIn(folder).map((name) => join(folder, name))),
  ]
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
  return [
    ...files.filter(isOf).map((path) => `file ${path}`),
    ...foldersBelow(CGROUPS)
      .filter(isOf)
      .map((path) => `cgroup ${path}`),
    ...mounts.filter(isOf).map((line) => `mount ${line.split(' ')[1]}`),
    ...containers()
      .filter(isOf)
      .map((line) => `container ${line}`),
  ]
}

/** What is still so after some time: who is ending may end. */
export async function settled(look: () => readonly string[]): Promise<readonly string[]> {
  for (let round = 0; round < ROUNDS && look().length > 0; round++) await sleep(ROUND_MS)
  return look()
}

/** Of root's Podman: id, name and labels, a line each. */
function containers(): readonly string[] {
  if (!hasProgram('podman')) return []
  const words = ['ps', '--all', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.Labels}}']
  // Where it cannot say there are none.
  return spawnSync('podman', words, { encoding: 'utf8' }).stdout.split('\n')
}

const pathsBelow = (path: string): readonly string[] => [
  path,
  ...entriesIn(path).flatMap((entry) =>
    entry.isDirectory() ? pathsBelow(join(path, entry.name)) : [join(path, entry.name)],
  ),
]

const foldersBelow = (path: string): readonly string[] =>
  entriesIn(path)
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [join(path, name), ...foldersBelow(join(path, name))])

const namesIn = (path: string): readonly string[] => entriesIn(path).map(({ name }) => name)

function entriesIn(path: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch {
    // It is no folder, or it went away between two looks.
    return []
  }
}
