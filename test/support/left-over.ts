/** What is left of an agent on its machine, looked for from outside, without asking the agent. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCgroupWorld } from '../../agent-runtime/isolator/cgroups/mounts.ts'
import { ownerName } from '../../agent-runtime/isolator/kill/kill.ts'
import { AN_AGENT, type RealMachine } from './containers.ts'

/** Of all cgroups that this agent made, looked for in every hierarchy. */
export function cgroupsLeft({ workDir }: RealMachine): string[] {
  const name = ownerName(`${AN_AGENT} ${workDir}`)
  const { mounts, own } = readCgroupWorld()
  const parents = ['', ...own.split('\n').map((line) => line.split(':')[2] ?? '')]
  return mounts
    .flatMap(({ mount }) => parents.map((parent) => join(mount, parent, 'bourse', name)))
    .filter((path) => existsSync(path))
}

/** Of mounts anywhere in its work directory, or of what lies there. */
export function mountsLeft({ workDir }: RealMachine): string[] {
  // What comes before the last word is written otherwise there.
  const word = workDir.split(' ').at(-1) ?? workDir
  return mountLines().filter((line) => line.includes(word))
}

/** All mounts that this process sees. */
export const mountLines = (): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n')
