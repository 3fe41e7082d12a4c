/** The way into the namespaces of a container that runs, by nsenter(1). */

import type { Inside, Place } from '../kill/kill.ts'
import { allPids, isAlive, readStat, readText } from '../proc.ts'

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
  return ['nsenter', `--target=${someoneIn(place)}`, ...wanted.flatMap((name) => ENTER[name])]
}

/** Options of nsenter(1). */
const ENTER: Readonly<Record<Inside[number], readonly string[]>> = {
  user: ['--user', '--preserve-credentials'],
  mount: ['--mount'],
  ipc: ['--ipc'],
  pid: ['--pid'],
  network: ['--net'],
}

/** In a pid namespace its first process, else the one that records the exit. */
function someoneIn({ inside, started: { parent } }: Place): number {
  const pid = inside.includes('pid') ? childOf(parent.pid) : parent.pid
  if (pid === undefined || !isAlive(parent)) throw new Error('its task is not there any more')
  return pid
}

/**
 * Undefined: it has none. The kernel's own list (CONFIG_PROC_CHILDREN) is asked first, as checks
 * come often and a machine has thousands of processes. Of a parent with one thread that is all.
 */
export function childOf(parent: number): number | undefined {
  const children = readText(`/proc/${parent}/task/${parent}/children`)
  if (children !== undefined) return Number(children.split(' ', 1)[0]) || undefined
  if (readStat(parent) === undefined) return undefined
  return allPids().find((pid) => readStat(pid)?.parent === parent)
}
