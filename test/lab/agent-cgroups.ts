/** The cgroups of agents, found from outside by what agents call them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readCgroupWorld } from '../../agent-runtime/isolator/cgroups/mounts.ts'
import { ownerName } from '../../agent-runtime/isolator/kill/kill.ts'

/** Of an agent, in every hierarchy: those that hold its containers'. */
export function cgroupsOf(agentId: string, workDir: string): string[] {
  const name = ownerName(`${agentId} ${workDir}`)
  const { mounts, own } = readCgroupWorld()
  const parents = ['', ...own.split('\n').map((line) => line.split(':')[2] ?? '')]
  const paths = mounts.flatMap(({ mount }) =>
    parents.map((parent) => join(mount, parent, 'bourse', name)),
  )
  return [...new Set(paths)].filter((path) => existsSync(path))
}

/** Of all agents whose work directories lie in there: id and directory. */
export function agentsIn(folder: string): readonly (readonly [string, string])[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name, 'agent-id'))
    .filter((path) => existsSync(path))
    .map((path) => [readFileSync(path, 'utf8').trim(), dirname(path)])
}
