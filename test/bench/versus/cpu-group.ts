/**
 * CPU of processes and all that they start, also of what ends before anyone can look: a cgroup of
 * their own, else what the whole machine has used.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Of v1: its own hierarchy, in which an agent makes no groups. */
const MOUNT = '/sys/fs/cgroup/cpuacct'
const NS_PER_MS = 1e6
/** Linux counts in hundredths of a second here, whatever its own clock. */
const MS_PER_TICK = 10

export interface CpuGroup {
  readonly of: 'cgroup' | 'whole machine'
  add(pid: number): void
  /** Shell words before a command that is to count, too. */
  readonly prefix: readonly [string, ...string[]] | readonly []
  usedMs(): number
  close(): void
}

export function openCpuGroup(name: string): CpuGroup {
  const path = join(MOUNT, `bourse-bench-${process.pid}-${name}`)
  try {
    mkdirSync(path)
  } catch {
    return wholeMachine
  }
  if (!existsSync(join(path, 'cpuacct.usage'))) return wholeMachine
  const members = join(path, 'cgroup.procs')
  process.once('exit', () => {
    endMembers(members)
    removed(path)
  })
  return {
    of: 'cgroup',
    add: (pid) => writeFileSync(members, String(pid)),
    prefix: ['/bin/sh', '-c', 'echo $$ > "$0" && exec "$@"', members],
    usedMs: () => Number(readFileSync(join(path, 'cpuacct.usage'), 'utf8')) / NS_PER_MS,
    close: () => removed(path),
  }
}

/** A peer's daemons start some that outlive them: after an orderly end there is nobody. */
function endMembers(members: string): void {
  if (!existsSync(members)) return
  for (const pid of readFileSync(members, 'utf8').trim().split('\n').map(Number)) {
    try {
      if (pid > 0) process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** What others do meanwhile counts, too. */
const wholeMachine: CpuGroup = {
  of: 'whole machine',
  add: () => undefined,
  prefix: [],
  usedMs: () => busyMsOf(readFileSync('/proc/stat', 'utf8')),
  close: () => undefined,
}

/** From the first line of `/proc/stat`: all but idle, waiting for disks, and what guests repeat. */
export function busyMsOf(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, soft = 0] = stat
    .split('\n', 1)
    .flatMap((line) => line.trim().split(/\s+/).slice(1).map(Number))
  return (user + nice + system + interrupts + soft) * MS_PER_TICK
}

/** Idempotent. A process that has not ended keeps it: then the machine's next start removes it. */
function removed(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // It is empty of meaning, and costs nothing.
  }
}
