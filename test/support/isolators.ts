/** Places to test isolators in: this kernel, and files as a kernel of cgroups v2 shows them. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCgroups, placesOf } from '../../agent-runtime/isolator/cgroups/cgroups.ts'
import {
  type CgroupWorld,
  readCgroupWorld,
  removeBase,
  removeCgroup,
} from '../../agent-runtime/isolator/cgroups/mounts.ts'
import { GpuPool } from '../../agent-runtime/isolator/gpu-pool.ts'
import type { Held } from '../../agent-runtime/isolator/held.ts'
import type { Hold } from '../../agent-runtime/isolator/hold.ts'
import type { IsolatorName } from '../../agent-runtime/isolator/isolator.ts'
import { type OpenIsolators, openIsolators } from '../../agent-runtime/isolator/isolators.ts'
import { openCgroupHierarchy } from '../../agent-runtime/isolator/kill/cgroup.ts'
import type { Shared } from '../../agent-runtime/isolator/shared.ts'
import { systemClock } from '../../bus/clock.ts'

export const CONTAINER = 'c-1'
const GIB = 1024 ** 3
export const NO_GPUS = new GpuPool('/nowhere')

/** No cgroups, no GPUs. */
export const BARE_MACHINE: Shared = {
  cgroups: undefined,
  gpus: NO_GPUS,
  defaultDiskBytes: GIB,
}

export interface IsolatorPlace extends AsyncDisposable {
  /** Of its cgroups. */
  readonly version: 1 | 2
  /** As one more agent finds it: without cgroups where this machine or this user has none. */
  shared(gpus: GpuPool): Promise<Shared>
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

/** This kernel: cgroups of version 1, if it has them. */
export function kernelPlace(): IsolatorPlace {
  const name = `contract-${process.pid}-${++placesMade}`
  const bases = new Set<string>()
  const killBaseOf = (): string | undefined => {
    const { mounts } = readCgroupWorld()
    const isVersion1 = mounts.some(({ controllers }) => controllers.includes('memory'))
    if (process.getuid?.() !== 0 || !isVersion1) return undefined
    const base = openCgroupHierarchy(name)?.base
    if (base !== undefined) bases.add(base)
    return base
  }
  return {
    version: 1,
    async shared(gpus) {
      const killBase = killBaseOf()
      if (killBase === undefined) return { ...BARE_MACHINE, gpus }
      const cgroups = await openCgroups({ name, killBase, gpus })
      for (const base of placesOf(cgroups)) bases.add(base)
      return { ...BARE_MACHINE, cgroups, gpus }
    },
    async open() {
      const killBase = killBaseOf()
      if (killBase === undefined) return undefined
      const isolators = await openIsolators({ ...BARE_MACHINE, name, killBase })
      for (const base of isolators.bases) bases.add(base)
      return isolators
    },
    runOutOfMemory: (held) => runIn(held, 'ulimit -v 1000000; exec tail /dev/zero'),
    runOutOfPids: (held) => runIn(held, 'sleep 0 & sleep 0 & wait'),
    async [Symbol.asyncDispose]() {
      for (const base of bases) {
        // What has just died may hold its cgroup for a moment more.
        while (!removeCgroup(base)) {
          await new Promise<void>((resolve) => systemClock.soon(resolve))
        }
        removeBase(base)
      }
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
export function filesPlace(): IsolatorPlace & { readonly world: CgroupWorld } {
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
    async shared(gpus) {
      const killBase = openCgroupHierarchy(name, world)?.base ?? ''
      return { ...BARE_MACHINE, cgroups: await openCgroups({ name, killBase, world, gpus }), gpus }
    },
    async open() {
      const killBase = openCgroupHierarchy(name, world)?.base
      return await openIsolators({ ...BARE_MACHINE, name, killBase, world })
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

/** A folder like /dev with three GPUs in it, none of which has a driver. */
export interface GpuFolder extends Disposable {
  readonly path: string
  /** They are no files, but devices: who may open one is told that nothing is behind it. */
  readonly areDevices: boolean
}

const GPU_NAMES = ['nvidia0', 'nvidia1', 'nvidia2'] as const

export function gpuFolder(): GpuFolder {
  const path = mkdtempSync(join(tmpdir(), 'bourse-gpus-'))
  const areDevices = GPU_NAMES.every((name, minor) => isMade(join(path, name), minor))
  for (const name of areDevices ? [] : GPU_NAMES) {
    rmSync(join(path, name), { force: true })
    writeFileSync(join(path, name), '')
  }
  return { path, areDevices, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

/** Of a number that no driver has. False: this user or this disk may have no devices. */
function isMade(path: string, minor: number): boolean {
  try {
    execFileSync('mknod', [path, 'c', '4095', String(minor)], { stdio: 'ignore' })
    closeSync(openSync(path, 'r'))
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENXIO'
  }
}
