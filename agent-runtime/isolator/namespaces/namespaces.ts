/** Isolators by a namespace of the kernel, by unshare(1), and what they have in common. */
import type { Namespace } from '../../../protocol/linux.ts'
import type { Isolator, Part, Tried, Wanted } from '../isolator.ts'
import type { KillHold } from '../kill/kill.ts'
import { tried } from '../tried.ts'
import type { Inside } from './inside.ts'

/** Who may not make namespaces makes them as root of a user namespace, and stays himself. */
const AS_USER = '--user --map-current-user'
/** So that the shell which prepares a namespace may do so. */
const KEEP_CAPS = '--keep-caps'
/** What a user namespace brings must not reach the task. */
const WITHOUT_AMBIENT = ['--inh-caps=-all', '--ambient-caps=-all'] as const
export const PID = '--pid --fork --kill-child --mount-proc'
/** What the machine mounts and unmounts is seen inside, and nothing the other way round. */
export const ONE_WAY = '--propagation slave'

/** One of them, in what is its own. */
interface OneNamespace {
  readonly namespace: Namespace
  /** What it means that there is none. */
  readonly lacks: string
  /** Options of unshare(1). Others may have the same. */
  readonly unshare: readonly string[]
  /** What a shell has to be able to do in it. */
  readonly probe: string
  /** Words that enter one that is there already. */
  readonly shared?: (wanted: Wanted) => string | undefined
  /** What a shell does in it before the task. Absent: nothing has to be done. */
  readonly lines?: (wanted: Wanted) => readonly string[]
}

export function namespaceIsolator(one: OneNamespace): Isolator {
  return { name: `${one.namespace}-namespace`, open: () => openOne(one) }
}

async function openOne(one: OneNamespace): Promise<Tried> {
  const options = [...(isRoot() ? [] : [AS_USER, KEEP_CAPS]), ...one.unshare].join(' ')
  const why = await tried(['unshare', ...options.split(' '), '/bin/sh', '-c', one.probe])
  if (why !== undefined) return { missing: [`${one.lacks}: ${why}`] }
  return { works: { prepare: (wanted) => partOf(one, wanted) }, missing: [] }
}

function partOf({ namespace, unshare, shared, lines }: OneNamespace, wanted: Wanted) {
  if (!wanted.linux?.namespaces?.includes(namespace)) return undefined
  const enter = shared?.(wanted)
  if (enter !== undefined) return { enter: [enter] }
  if (lines === undefined) return { unshare }
  const made = { unshare, lines: lines(wanted) }
  return isRoot() ? made : { ...made, unshare: [KEEP_CAPS, ...unshare], setpriv: WITHOUT_AMBIENT }
}

const isRoot = (): boolean => process.getuid?.() === 0

/** One that asks for its own processes is held by them where nothing stronger holds it. */
export function killHoldOf(hold: KillHold, asked: readonly Namespace[]): KillHold {
  if (hold.kind !== 'session' || !asked.includes('pid')) return hold
  return { kind: 'pid-namespace', unshare: isRoot() ? PID : `${AS_USER} ${PID}` }
}

/** The words that enter and make the namespaces of a container; empty: it has none. */
export function enterWords(
  hold: KillHold,
  { enter = [], unshare = [] }: Pick<Part, 'enter' | 'unshare'>,
): string {
  const isHeld = hold.kind === 'pid-namespace'
  const asUser = !isRoot() && unshare.length > 0 ? [AS_USER] : []
  const first = isHeld ? [hold.unshare] : asUser
  const own = isHeld ? unshare.filter((option) => option !== PID) : unshare
  const options = new Set([...first, ...own])
  return [...enter, ...(options.size === 0 ? [] : ['unshare', ...options])].join(' ')
}

/** `asked` absent: a container of an agent that knew of no others. */
export function insideOf(hold: KillHold, asked: readonly Namespace[]): Inside {
  const has = (option: string): boolean =>
    hold.kind === 'pid-namespace' && hold.unshare.includes(option)
  const isUser = has('--user') || (!isRoot() && asked.length > 0)
  return [
    ...(isUser ? ['user' as const] : []),
    ...(asked.includes('mount') || asked.includes('pid') || has('--mount-proc')
      ? ['mount' as const]
      : []),
    ...(asked.includes('mount') ? ['ipc' as const] : []),
    ...(asked.includes('pid') || hold.kind === 'pid-namespace' ? ['pid' as const] : []),
    ...(asked.includes('network') ? ['network' as const] : []),
  ]
}
