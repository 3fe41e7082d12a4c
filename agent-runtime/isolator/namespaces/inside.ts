/** In what a container's processes are, for who comes later. */
import type { Namespace } from '../../../protocol/linux.ts'

export type Inside = readonly ('user' | 'ipc' | Namespace)[]

/** Options of nsenter(1) for the namespaces in which a process is. */
export function enterOptions(inside: Inside): readonly string[] {
  return inside.flatMap((name) => ENTER[name])
}

const ENTER: Readonly<Record<Inside[number], readonly string[]>> = {
  user: ['--user', '--preserve-credentials'],
  mount: ['--mount'],
  ipc: ['--ipc'],
  pid: ['--pid'],
  network: ['--net'],
}
