/** Isolators by a namespace of the kernel, by unshare(1), and what they have in common. */
import type { Namespace } from '../../../protocol/linux.ts'
import type { Isolator, Opened, Part, Wanted } from '../isolator.ts'
import { type Inside, type KillHold, OWN_PIDS, OWN_USER } from '../kill/kill.ts'
import { tried } from '../tried.ts'

/** So that the shell which prepares a namespace may do so; the task may not. */
const KEEP_CAPS = '--keep-caps'
/** What a user namespace brings must not reach the task. */
const WITHOUT_AMBIENT = ['--inh-caps=-all', '--ambient-caps=-all'] as const
export const OWN_PROCESSES = [...OWN_PIDS, '--mount-proc'] as const
/** What the machine mounts and unmounts is seen inside, and nothing the other way round. */
export const ONE_WAY = '--propagation=slave'

/** One of them, in what is its own. */
interface OneNamespace {
  readonly namespace: Namespace
  /** What it means that there is none. */
  readonly lacks: string
  /** Options of unshare(1). Others may have the same. */
  readonly unshare: readonly string[]
  /** What a shell has to be able to do in it. */
  readonly probe: string
  /** A command that enters one which is there already. */
  readonly enter?: (wanted: Wanted) => readonly string[] | undefined
  /** What a shell does in it before the task, for which it takes rights. Absent: nothing. */
  readonly lines?: (wanted: Wanted) => readonly string[]
}

export function namespaceIsolator(one: OneNamespace): Isolator {
  return { name: `${one.namespace}-namespace`, open: () => openOne(one) }
}

async function openOne(one: OneNamespace): Promise<Opened> {
  const asUser = isRoot() ? [] : [...OWN_USER, KEEP_CAPS]
  const why = await tried(['unshare', ...asUser, ...one.unshare, '/bin/sh', '-c', one.probe])
  if (why !== undefined) return { missing: [`${one.lacks}: ${why}`] }
  return { works: { prepare: (wanted) => partOf(one, wanted) }, missing: [] }
}

function partOf({ namespace, unshare, ...one }: OneNamespace, wanted: Wanted): Part | undefined {
  if (!wanted.linux?.namespaces?.includes(namespace)) return undefined
  const enter = one.enter?.(wanted)
  const lines = one.lines === undefined || enter !== undefined ? [] : one.lines(wanted)
  const made = enter === undefined ? { unshare, lines } : { unshare: [], enter }
  if (isRoot() || one.lines === undefined) return made
  return { ...made, unshare: [KEEP_CAPS, ...made.unshare], setpriv: WITHOUT_AMBIENT }
}

const isRoot = (): boolean => process.getuid?.() === 0

/** One that asks for its own processes is held by them where nothing stronger holds it. */
export function killHoldOf(hold: KillHold, asked: readonly Namespace[]): KillHold {
  if (hold.kind !== 'session' || !asked.includes('pid')) return hold
  const words = [...(isRoot() ? [] : OWN_USER), ...OWN_PROCESSES]
  return { kind: 'pid-namespace', unshare: words.join(' ') }
}

/** The words that enter and make the namespaces of a container; empty: it has none. */
export function enterWords(
  hold: KillHold,
  { enter = [], unshare = [] }: Pick<Part, 'enter' | 'unshare'>,
): string {
  const isHeld = hold.kind === 'pid-namespace'
  const asUser = !isRoot() && unshare.length > 0 ? OWN_USER : []
  const first = isHeld ? hold.unshare.split(' ') : asUser
  // Held by its processes, it has its own.
  const own = isHeld ? unshare.filter((word) => !isOfProcesses(word)) : unshare
  const options = new Set([...first, ...own])
  return [...enter, ...(options.size === 0 ? [] : ['unshare', ...options])].join(' ')
}

const isOfProcesses = (word: string): boolean => OWN_PROCESSES.some((one) => one === word)

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
