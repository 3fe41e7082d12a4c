/**
 * Tasks with a root filesystem of their own, by runc(8): processes as all others, whose launch file
 * has other words. So what holds, kills, records and recovers them is what does so with processes.
 *
 * The bundle lies in memory, in the mount namespace of the task alone: it goes with the task's last
 * process, whoever dies before.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { OciContainer } from '../../../protocol/schema/task-container.ts'
import type { TaskLinux } from '../../../protocol/schema/task-linux.ts'
import { readText } from '../../isolator/proc.ts'
import { tried } from '../../isolator/tried.ts'
import { quote } from '../../launcher/quote.ts'
import type { ContainerSpec } from '../containerizer.ts'
import { replaceFile } from '../runtime-directory.ts'
import { type OciTask, ociConfig, type Rlimit, ROOT } from './config.ts'
import type { FoundRoot } from './roots.ts'
import { AROUND_RUNC, SYSTEM_CALLS } from './script.ts'

/** What runs them here. */
export interface Oci {
  /** Where each has its bundle, in a mount namespace of its own; empty elsewhere. Absolute. */
  readonly bundle: string
  /** What is run around runc. Absolute. */
  readonly script: string
  readonly systemCalls: string
  readonly rlimits: readonly Rlimit[]
}

/** What stands in the launch file in place of a process's words. */
export interface OciWords {
  /** Lines for the shell, to be run in the task's mount namespace; each fails with a word. */
  readonly isolate: readonly string[]
  readonly run: readonly string[]
  /** Words before the command of a check. */
  readonly check: readonly string[]
}

/** In the runtime directory. */
const FOLDER = 'oci'
/** The only one of its state directory. */
const CONTAINER = 'task'

/**
 * Finds out what works by running a task on the machine's own files. @returns undefined where
 * nothing was found that one could try, a sentence where it does not work.
 */
export async function openOci(runtimePath: string): Promise<Oci | string | undefined> {
  const systemCalls = SYSTEM_CALLS[process.arch]
  if (process.getuid?.() !== 0 || systemCalls === undefined) return undefined
  const bundle = join(runtimePath, FOLDER)
  const script = join(runtimePath, 'oci.pl')
  const rlimits = ownLimits(readText('/proc/self/limits') ?? '')
  const oci = { bundle, script, systemCalls, rlimits }
  mkdirSync(bundle, { recursive: true })
  // One that an earlier agent launched may just read it.
  if (readText(script) !== AROUND_RUNC) replaceFile(script, AROUND_RUNC)
  const why = hasWorked ? undefined : await tryIt(oci)
  if (why === undefined) {
    hasWorked = true
    return oci
  }
  return NOT_THERE.test(why) ? undefined : `no task can have a root filesystem of its own: ${why}`
}

/** What a machine can do stays so. On a busy one a try may be given up that works later. */
let hasWorked = false

async function tryIt(oci: Oci): Promise<string | undefined> {
  const words = ociWords(oci, '/', {
    container: { kind: 'oci', root: '/' },
    command: { argv: ['true'] },
    environment: { PATH: '/usr/bin:/bin' },
    user: { uid: 0, gid: 0 },
    sandboxPath: oci.bundle,
    rlimits: oci.rlimits,
  })
  const script = [
    'command -v runc >/dev/null || { echo runc: not found >&2; exit 1; }',
    'isolate() {',
    ...words.isolate,
    '}',
    'isolate || exit',
    words.run.map(quote).join(' '),
  ].join('\n')
  const enter = 'unshare --pid --fork --kill-child --mount-proc --propagation slave'
  return await tried([...enter.split(' '), '/bin/sh', '-c', script])
}

const NOT_THERE = /(?:runc|perl)\S* (?:not found|No such file)/

/** A sentence that says why there can be no such task here; undefined if there can. */
export function ociProblem(
  { group, limits, container }: ContainerSpec,
  root: FoundRoot,
): string | undefined {
  if (typeof root === 'object') return root.refused
  if (group !== undefined) return 'tasks of a group run as processes, not in a root of their own'
  if (limits?.gpus) return 'GPUs are given to processes, not to tasks in a root of their own'
  const lost = container?.volumes?.find(({ hostPath }) => !existsSync(hostPath))
  if (lost === undefined) return undefined
  return `there is no ${JSON.stringify(lost.hostPath.slice(0, 200))} on this machine to be a volume`
}

/** What it asks of the isolators: processes of its own, and perhaps a network. */
export function ociLinux({ network }: OciContainer): TaskLinux {
  return { namespaces: ['pid', ...(network === 'none' ? (['network'] as const) : [])] }
}

/** `root`: the folder to be shown, which nothing is written to. */
export function ociWords(oci: Oci, root: string, task: OciTask): OciWords {
  const { bundle, script, systemCalls } = oci
  const config = JSON.stringify(ociConfig(task))
  const log = join(bundle, 'log')
  const runc = ['runc', '--rootless=true', '--root', join(bundle, 'state'), '--log', log]
  const around = ['perl', script, systemCalls]
  const pidFile = join(bundle, 'pid')
  const options = ['--detach', '--bundle', bundle, '--pid-file', pidFile]
  return {
    isolate: [
      `mount -n -t tmpfs -o mode=755 tmpfs ${quote(bundle)} || return`,
      '(',
      `  cd ${quote(bundle)} || exit`,
      `  mkdir below ${ROOT} upper work || exit`,
      // An option of mount(8) could not hold every path.
      `  mount -n --bind ${quote(root)} below || exit`,
      '  layers=lowerdir=below,upperdir=upper,workdir=work',
      `  mount -n -t overlay -o "$layers" overlay ${ROOT} || exit`,
      `  printf %s ${quote(config)} >config.json`,
      ') || return',
    ],
    run: [...around, 'run', pidFile, ...runc, 'run', ...options, CONTAINER],
    check: [...around, 'check', pidFile, ...runc, 'exec', CONTAINER],
  }
}

const LIMITS = [
  { line: 'Max open files', type: 'RLIMIT_NOFILE' },
  { line: 'Max processes', type: 'RLIMIT_NPROC' },
] as const

/** Those of the agent, of `/proc/self/limits`: programs in Go raise theirs at start. */
export function ownLimits(text: string): readonly Rlimit[] {
  return LIMITS.flatMap(({ line, type }) => {
    const found = text.split('\n').find((one) => one.startsWith(line))
    const [soft = Number.NaN, hard = Number.NaN] =
      found?.slice(line.length).trim().split(/\s+/).map(Number) ?? []
    return Number.isNaN(soft) || Number.isNaN(hard) ? [] : [{ type, soft, hard }]
  })
}
