/** Places to test cgroup isolators in: this kernel's, and files as a v2 kernel shows them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CgroupWorld,
  readCgroupWorld,
  removeCgroup,
} from '../../agent-runtime/isolator/cgroups/mounts.ts'
import { GpuPool } from '../../agent-runtime/isolator/gpu-pool.ts'
import type { Held } from '../../agent-runtime/isolator/held.ts'
import type { Hold } from '../../agent-runtime/isolator/hold.ts'
import type { IsolatorName } from '../../agent-runtime/isolator/isolator.ts'
import { type OpenIsolators, openIsolators } from '../../agent-runtime/isolator/isolators.ts'
import { openCgroupHierarchy } from '../../agent-runtime/isolator/kill/cgroup.ts'

export const CONTAINER = 'c-1'
const GIB = 1024 ** 3
export const NO_GPUS = new GpuPool('/nowhere')

export interface CgroupPlace extends AsyncDisposable {
  readonly version: 1 | 2
  /** Undefined: this machine or this user has no cgroups of the version. */
  open(): Promise<OpenIsolators | undefined>
  /** Has the kernel end something in it for its memory. */
  runOutOfMemory(held: Held): Promise<void>
  /** Has the kernel refuse it one process, and no more than that. */
  runOutOfPids(held: Held): Promise<void>
}

export function settingOf(held: Held, isolator: IsolatorName, file: string): string {
  const hold = held.holds.find((one) => one.isolator === isolator)
  return readFileSync(join(pathOf(hold), file), 'utf8').trim()
}

const pathOf = (hold: Hold | undefined): string =>
  hold !== undefined && 'path' in hold ? hold.path : ''

/** Version 1 by this kernel, if it has it. */
export function kernelPlace(): CgroupPlace {
  const name = `contract-${process.pid}-${++placesMade}`
  const opened: OpenIsolators[] = []
  return {
    version: 1,
    async open() {
      const world = readCgroupWorld()
      const found = world.mounts.find(({ controllers }) => controllers.includes('memory'))
      const isRoot = process.getuid?.() === 0
      const hierarchy = isRoot && found ? openCgroupHierarchy(name) : undefined
      if (hierarchy === undefined) return undefined
      const isolators = await openIsolators({
        name,
        killBase: hierarchy.base,
        defaultDiskBytes: GIB,
        gpus: NO_GPUS,
      })
      opened.push(isolators, { ...isolators, close: () => void removeCgroup(hierarchy.base) })
      return isolators
    },
    runOutOfMemory: (held) => runIn(held, 'exec tail /dev/zero'),
    runOutOfPids: (held) => runIn(held, 'sleep 0 & sleep 0 & wait'),
    async [Symbol.asyncDispose]() {
      for (const isolators of opened) isolators.close()
    },
  }
}

let placesMade = 0

async function runIn(held: Held, script: string): Promise<void> {
  const join = 'for path do echo 0 >"$path/cgroup.procs" || exit; done; '
  const child = spawn('/bin/sh', ['-c', join + script, 'sh', ...held.cgroups], { stdio: 'ignore' })
  await once(child, 'exit')
}

/** What a v2 kernel shows of a new cgroup. */
const NEW_CGROUP = {
  'cgroup.controllers': 'cpu memory pids\n',
  'cgroup.events': 'populated 0\nfrozen 0\n',
  'cgroup.kill': '',
  'cgroup.procs': '',
  'cgroup.subtree_control': '',
  'cpu.max': 'max 100000\n',
  'cpu.stat': [
    'usage_usec 1500',
    'user_usec 1000',
    'system_usec 500',
    'nr_periods 3',
    'nr_throttled 2',
    'throttled_usec 2500\n',
  ].join('\n'),
  'cpu.weight': '100\n',
  'memory.current': '4096\n',
  'memory.events': 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n',
  'memory.max': 'max\n',
  'memory.oom.group': '0\n',
  'memory.peak': '8192\n',
  'memory.swap.max': 'max\n',
  'pids.current': '1\n',
  'pids.events': 'max 0\n',
  'pids.max': 'max\n',
} as const

function showCgroup(path: string, other: Readonly<Record<string, string>> = {}): void {
  mkdirSync(path, { recursive: true })
  for (const [file, text] of Object.entries({ ...NEW_CGROUP, ...other })) {
    writeFileSync(join(path, file), text)
  }
}

/**
 * Version 2 as files. The agent's own cgroup refuses its controllers to others, as a kernel does
 * while processes are in it.
 */
export function filesPlace(): CgroupPlace & { readonly world: CgroupWorld } {
  const root = mkdtempSync(join(tmpdir(), 'bourse-cgroup2-'))
  const name = 'agent-1'
  const own = join(root, 'agent.slice')
  showCgroup(root, { 'cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma\n' })
  showCgroup(own)
  rmSync(join(own, 'cgroup.subtree_control'))
  mkdirSync(join(own, 'cgroup.subtree_control'))
  for (const path of ['bourse', `bourse/${name}`, `bourse/${name}/${CONTAINER}`]) {
    showCgroup(join(root, path))
  }
  const world = { mounts: [{ mount: root, controllers: [''] }], own: '0::/agent.slice\n' }
  const write = (held: Held, file: string, text: string) =>
    writeFileSync(join(held.cgroups[0] ?? '', file), text)
  return {
    version: 2,
    world,
    async open() {
      const killBase = openCgroupHierarchy(name, world)?.base
      return await openIsolators({
        name,
        killBase,
        world,
        defaultDiskBytes: GIB,
        gpus: NO_GPUS,
      })
    },
    async runOutOfMemory(held) {
      write(held, 'memory.peak', settingOf(held, 'memory', 'memory.max'))
      write(held, 'memory.events', 'low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 1\n')
    },
    async runOutOfPids(held) {
      write(held, 'pids.events', 'max 1\n')
    },
    async [Symbol.asyncDispose]() {
      rmSync(root, { recursive: true })
    },
  }
}
