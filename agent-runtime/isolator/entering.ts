/** The way into the namespaces of a container that runs, by nsenter(1). */
import { enterOptions } from './inside.ts'
import type { Place } from './kill.ts'
import { allPids, isAlive, readStat } from './proc.ts'

/**
 * Words that go before a command. `network` alone: the command is the agent's own.
 *
 * @throws if there is nobody in them any more.
 */
export function wayInto(place: Place, which: 'all' | 'network' = 'all'): readonly string[] {
  const { inside } = place
  const wanted =
    which === 'all' ? inside : inside.filter((name) => name === 'user' || name === 'network')
  if (wanted.length === 0) return []
  return ['nsenter', `--target=${someoneIn(place)}`, ...enterOptions(wanted)]
}

/** In a pid namespace its first process, else the one that records the exit. */
function someoneIn({ inside, started: { parent } }: Place): number {
  const pid = inside.includes('pid') ? childOf(parent.pid) : parent.pid
  if (pid === undefined || !isAlive(parent)) throw new Error('its task is not there any more')
  return pid
}

export const childOf = (parent: number): number | undefined =>
  allPids().find((pid) => readStat(pid)?.parent === parent)
