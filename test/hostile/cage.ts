/**
 * Cgroups around a whole run: what it starts, in whatever session and under whatever name, is in
 * them, can be ended from outside, and is no more than a part of the machine.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../bus/clock.ts'

export interface Cage {
  /** A sentence for each thing that nothing holds. Empty: it is whole. */
  readonly missing: readonly string[]
  /** What runs in it and was not there before, pid and command; undefined: it cannot be told. */
  strangers(): readonly string[] | undefined
  /** Ends all of them. Whoever starts others meanwhile cannot. */
  kill(): Promise<void>
  /** This process goes back to where it was, and the cgroups go. */
  close(): void
}

export interface CageOptions {
  readonly memMib: number
  readonly pidsMax: number
}

interface Bar {
  readonly controller: string
  /** Where this process was before. */
  readonly outside: string
  readonly inside: string
}

const CGROUPS = '/sys/fs/cgroup'
const MIB = 1024 ** 2
const ROUNDS = 50
const ROUND_MS = 100
/** As much as a single program that runs beside it. */
const CPU_SHARES = 1_024

/** Moves this process into it; what it starts from now on begins there. */
export function openCage({ memMib, pidsMax }: CageOptions): Cage {
  const settings: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
    pids: [['pids.max', pidsMax]],
    memory: [['memory.limit_in_bytes', memMib * MIB]],
    cpu: [['cpu.shares', CPU_SHARES]],
  }
  const missing: string[] = []
  const bars: Bar[] = []
  for (const [controller, files] of Object.entries(settings)) {
    try {
      const bar = barOf(controller)
      mkdirSync(bar.inside)
      bars.push(bar)
      for (const [file, value] of files) writeFileSync(join(bar.inside, file), String(value))
      enter(bar.inside)
    } catch (error) {
      missing.push(`nothing holds the run by ${controller}: ${(error as Error).message}`)
    }
  }
  const guard = bars.length > 0 ? guardOf(bars) : undefined
  return { missing, ...cageOf(bars, guard) }
}

function cageOf(bars: readonly Bar[], guard: ChildProcess | undefined): Omit<Cage, 'missing'> {
  const pids = bars.find(({ controller }) => controller === 'pids')
  const others = (): readonly number[] =>
    [...new Set(bars.flatMap(({ inside }) => membersOf(inside)))].filter(
      (pid) => pid !== process.pid,
    )
  return {
    strangers: () =>
      pids === undefined
        ? undefined
        : others().flatMap((pid) => (commandOf(pid) === '' ? [] : [`${pid} ${commandOf(pid)}`])),
    async kill() {
      if (pids !== undefined) writeFileSync(join(pids.inside, 'pids.max'), '0')
      for (let round = 0; round < ROUNDS && others().length > 0; round++) {
        for (const pid of others()) end(pid)
        await sleep(ROUND_MS)
      }
    },
    close() {
      for (const { outside, inside } of bars) {
        enter(outside)
        removeTree(inside)
      }
      guard?.kill('SIGKILL')
    },
  }
}

/** @throws when version 1 of cgroups has no such hierarchy here. */
function barOf(controller: string): Bar {
  const line = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .find((one) => one.split(':')[1]?.split(',').includes(controller))
  const outside = join(CGROUPS, controller, line?.split(':')[2] ?? '')
  if (line === undefined || !existsSync(outside)) throw new Error('there is no such cgroup')
  return { controller, outside, inside: join(outside, `bourse-hostile-${process.pid}`) }
}

const enter = (cgroup: string): void =>
  writeFileSync(join(cgroup, 'cgroup.procs'), String(process.pid))

/**
 * Should this process be gone without a word: waits for the end of its input outside of the cage,
 * and ends all in it.
 */
const GUARD = `
while read -r _; do :; done
for round in 1 2 3 4 5 6 7 8 9 10; do
  for cgroup do
    [ -e "$cgroup/pids.max" ] && echo 0 >"$cgroup/pids.max"
    find "$cgroup" -name cgroup.procs -exec cat {} + | while read -r pid; do kill -KILL "$pid"; done
  done
  sleep 0.2
done 2>/dev/null
for cgroup do find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null; done
`

function guardOf(bars: readonly Bar[]): ChildProcess {
  for (const { outside } of bars) enter(outside)
  const child = spawn('sh', ['-c', GUARD, 'sh', ...bars.map(({ inside }) => inside)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  for (const { inside } of bars) enter(inside)
  child.unref()
  // It may be gone before we are.
  child.stdin?.on('error', () => undefined)
  return child
}

/** Of it and all below. */
function membersOf(cgroup: string): readonly number[] {
  return [cgroup, ...childrenOf(cgroup)].flatMap((path) =>
    read(join(path, 'cgroup.procs'))
      .split('\n')
      .filter((line) => line !== '')
      .map(Number),
  )
}

function childrenOf(cgroup: string): readonly string[] {
  if (!existsSync(cgroup)) return []
  return readdirSync(cgroup, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [join(cgroup, name), ...childrenOf(join(cgroup, name))])
}

/** What still holds somebody stays. */
function removeTree(cgroup: string): void {
  for (const path of [...childrenOf(cgroup).toReversed(), cgroup])
    try {
      rmdirSync(path)
    } catch {
      // It is told as left behind.
    }
}

const commandOf = (pid: number): string =>
  read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 200)

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It went away between two looks.
    return ''
  }
}
