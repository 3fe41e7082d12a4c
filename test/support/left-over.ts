/** What is left of an agent on its machine, looked for from outside, without asking the agent. */
import { readFileSync } from 'node:fs'
import { cgroupsOf } from '../lab/agent-cgroups.ts'
import { AN_AGENT, type RealMachine } from './containers.ts'

/** Of all cgroups that this agent made, looked for in every hierarchy. */
export function cgroupsLeft({ workDir }: RealMachine): string[] {
  return cgroupsOf(AN_AGENT, workDir)
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
