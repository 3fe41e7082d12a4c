/** What runc(8) is told of a task: `config.json` of the bundle, as OCI's specification has it. */
import { SANDBOX_INSIDE } from '../../../protocol/container-problem.ts'
import type { OciContainer } from '../../../protocol/schema/task-container.ts'
import type { Owner } from '../../sandbox/user.ts'
import type { Command } from '../containerizer.ts'
import { commandOf } from '../launch-file.ts'

export interface Rlimit {
  /** As runc names it: `RLIMIT_NOFILE`. */
  readonly type: string
  readonly soft: number
  readonly hard: number
}

export interface OciTask {
  readonly container: OciContainer
  readonly command: Command
  readonly environment: Readonly<Record<string, string>>
  readonly user: Owner
  /** On the machine. */
  readonly sandboxPath: string
  readonly rlimits: readonly Rlimit[]
}

/** Below the bundle. */
export const ROOT = 'root'

/**
 * It has the agent's network and the processes of the namespace in which runc is run, and no
 * cgroups: it stays in those in which runc is run.
 */
export function ociConfig(task: OciTask): unknown {
  const { container, command, environment, user, rlimits } = task
  const { uid, gid } = user
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid, gid },
      args: commandOf(command),
      env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      cwd: SANDBOX_INSIDE,
      capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
      rlimits,
      noNewPrivileges: true,
    },
    root: { path: ROOT, readonly: true },
    mounts: [
      ...OWN_MOUNTS,
      bound(task.sandboxPath, SANDBOX_INSIDE, 'rw'),
      ...(container.volumes ?? []).map(({ hostPath, containerPath, readOnly }) =>
        bound(hostPath, containerPath, readOnly ? 'ro' : 'rw'),
      ),
    ],
    linux: {
      namespaces: [{ type: 'mount' }, { type: 'ipc' }],
      maskedPaths: MASKED,
      readonlyPaths: READ_ONLY,
    },
  }
}

const bound = (source: string, destination: string, mode: 'ro' | 'rw') => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', mode],
})

const memory = (destination: string, ...options: string[]) => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['nosuid', 'nodev', ...options],
})

const OWN_MOUNTS = [
  {
    destination: '/proc',
    type: 'proc',
    source: 'proc',
    options: ['nosuid', 'nodev', 'noexec'],
  },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=64k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  memory('/dev/shm', 'noexec', 'mode=1777'),
  memory('/tmp', 'mode=1777'),
]

/** What of /proc tells of the machine, or changes it. */
const MASKED = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
]
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']
