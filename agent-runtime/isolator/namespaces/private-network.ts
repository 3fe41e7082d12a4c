/** A network with nothing but a loopback: of one task, or of all of a group. */
import { type ChildProcess, spawn } from 'node:child_process'
import { LAUNCHER_ENV } from '../../launcher/launcher.ts'

/**
 * Raises the loopback of a new network, which is down, in the words of the shell. Perl is
 * everywhere on Debian, ip(8) almost; which one is there takes no process to find out.
 */
export const LOOPBACK_UP = String.raw`if command -v ip >/dev/null; then ip link set lo up; else perl -e 'socket(S, 2, 2, 0) or die $!; $lo = pack("a16s", "lo", 0x41); ioctl(S, 0x8914, $lo) or die $!'; fi`

interface Shared {
  readonly keeper: ChildProcess
  /** The namespace, as a path; a sentence if there is none. */
  readonly path: Promise<string | { readonly refused: string }>
  /** Containers that are still to enter it. */
  readonly awaited: Set<string>
}

/**
 * Networks of groups while their tasks start. Each is kept by a process that ends with the agent,
 * and as soon as all tasks are in it: then they keep it, so that nothing can be left behind.
 */
export class GroupNetworks {
  readonly #groups = new Map<string, Shared>()
  readonly #groupOf = new Map<string, string>()

  /** All of a group in one turn. */
  enter(group: string, containerId: string): Shared['path'] {
    const shared = this.#groups.get(group) ?? this.#open()
    this.#groups.set(group, shared)
    shared.awaited.add(containerId)
    this.#groupOf.set(containerId, group)
    return shared.path
  }

  /** It is in, or never will be. */
  entered(containerId: string): void {
    const group = this.#groupOf.get(containerId)
    if (group === undefined) return
    this.#groupOf.delete(containerId)
    const shared = this.#groups.get(group)
    shared?.awaited.delete(containerId)
    if (shared?.awaited.size !== 0) return
    this.#groups.delete(group)
    shared.keeper.stdin?.end()
  }

  close(): void {
    for (const { keeper } of this.#groups.values()) keeper.stdin?.end()
    this.#groups.clear()
  }

  #open(): Shared {
    const script = `${LOOPBACK_UP} && echo up && read -r _`
    const keeper = spawn('unshare', ['--net', '/bin/sh', '-c', script], {
      cwd: '/',
      env: LAUNCHER_ENV,
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const refused = { refused: 'its group could not be given a network of its own' }
    const path = new Promise<string | { readonly refused: string }>((resolve) => {
      keeper.stdout?.once('data', () => resolve(`/proc/${keeper.pid}/ns/net`))
      keeper.on('error', () => resolve(refused))
      keeper.on('close', () => resolve(refused))
    })
    keeper.stdin?.on('error', () => {})
    return { keeper, path, awaited: new Set() }
  }
}
