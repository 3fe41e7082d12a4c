/** What a task sees of its machine, by unshare(1): its own processes, files or network. */
import { NAMESPACES, type Namespace } from '../../../protocol/linux.ts'
import type { KillHold } from '../kill/kill.ts'
import { tried } from '../tried.ts'
import type { Inside } from './inside.ts'
import { LOOPBACK_UP } from './private-network.ts'

/** Who may not make namespaces makes them as root of a user namespace, and stays himself. */
const AS_USER = '--user --map-current-user'
/** So that the shell which prepares a namespace may do so; the task may not. */
const KEEP_CAPS = '--keep-caps'
const PID = '--pid --fork --kill-child --mount-proc'
const MOUNT = '--mount --ipc'
/** What the machine mounts and unmounts is seen inside, and nothing the other way round. */
const ONE_WAY = '--propagation slave'
const NETWORK = '--net'

export interface FoundNamespaces {
  readonly works: ReadonlySet<Namespace>
  /** A sentence for each that does not. */
  readonly missing: readonly string[]
  /** Words for the shell. */
  readonly loopbackUp: string
}

const isRoot = (): boolean => process.getuid?.() === 0

const LACKS: Readonly<Record<Namespace, string>> = {
  pid: 'no task can have processes of its own',
  mount: 'no task can have files of its own in /tmp, /var/tmp and /dev/shm',
  network: 'no task can have a network of its own',
}

/** Finds what works here by trying it. */
export async function findNamespaces(): Promise<FoundNamespaces> {
  const shell = (options: string, script: string): Promise<string | undefined> => {
    const all = isRoot() ? options : `${AS_USER} ${KEEP_CAPS} ${options}`
    return tried(['unshare', ...all.split(' '), '/bin/sh', '-c', script])
  }
  const [pid, mount, ...loopback] = await Promise.all([
    shell(`${PID} ${ONE_WAY}`, ':'),
    shell(
      `${MOUNT} ${ONE_WAY}`,
      'mount -n -t tmpfs tmpfs /var/tmp && mount -n --rbind /var/tmp /tmp',
    ),
    ...LOOPBACK_UP.map((script) => shell(NETWORK, script)),
  ])
  const up = loopback.indexOf(undefined)
  const why = { pid, mount, network: up < 0 ? loopback[0] : undefined }
  const missing = NAMESPACES.filter((name) => why[name] !== undefined)
  return {
    works: new Set(NAMESPACES.filter((name) => why[name] === undefined)),
    missing: missing.map((name) => `${LACKS[name]}: ${why[name]}`),
    loopbackUp: LOOPBACK_UP[up] ?? ':',
  }
}

/** One that asks for its own processes is held by them where nothing stronger holds it. */
export function killHoldOf(hold: KillHold, asked: readonly Namespace[]): KillHold {
  if (hold.kind !== 'session' || !asked.includes('pid')) return hold
  return { kind: 'pid-namespace', unshare: isRoot() ? PID : `${AS_USER} ${PID}` }
}

/**
 * The words that make and enter a container's namespaces; empty: it has none. `network`: one that
 * is there already, as a path.
 */
export function enterWords(
  hold: KillHold,
  {
    asked,
    network,
  }: { readonly asked: readonly Namespace[]; readonly network?: string | undefined },
): string {
  const isPlain = hold.kind !== 'pid-namespace'
  const options = [
    ...(isPlain ? [] : [hold.unshare]),
    ...(isPlain && !isRoot() && asked.length > 0 ? [AS_USER] : []),
    ...(needsCaps(asked) && !isRoot() ? [KEEP_CAPS] : []),
    ...(isPlain && asked.includes('pid') ? [PID] : []),
    ...(asked.includes('mount') ? [MOUNT] : []),
    ...(asked.includes('pid') || asked.includes('mount') ? [ONE_WAY] : []),
    ...(asked.includes('network') && network === undefined ? [NETWORK] : []),
  ]
  const words = options.length === 0 ? [] : ['unshare', ...options]
  return [...(network === undefined ? [] : [`nsenter --net=${network}`]), ...words].join(' ')
}

const needsCaps = (asked: readonly Namespace[]): boolean =>
  asked.includes('mount') || asked.includes('network')

/** True: its first process has rights that the task must not inherit. */
export const hasCaps = (asked: readonly Namespace[]): boolean => needsCaps(asked) && !isRoot()

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
