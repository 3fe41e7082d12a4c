/** Starts the agent of this machine, or agents that only pretend, on a connection of their own. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Isolation } from '../../agent-runtime/containerizer/containerizer.ts'
import { PretendMachine } from '../../agent-runtime/containerizer/pretending.ts'
import { GpuPool } from '../../agent-runtime/isolator/gpu-pool.ts'
import { pretendingRuntime } from '../../agent-runtime/pretending.ts'
import { detectResources } from '../../agent-runtime/resources.ts'
import type { BusSystem } from '../../bus/bus.ts'
import type { Clock } from '../../bus/clock.ts'
import { type MessengerDeps, openMessenger } from '../../bus/messenger.ts'
import type { RandomToken } from '../../bus/random.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { AgentId } from '../../protocol/ids.ts'
import {
  DISK_HEADROOM,
  RECOVERY_TIMEOUT_MS,
  SANDBOX_KEEP_MS,
  SANDBOXES_MAX,
} from '../../protocol/limits.ts'
import { listResources, resourcesOf } from '../../protocol/resources.ts'
import type { Attribute, ResourceEntry, ResourceList } from '../../protocol/schema/common.ts'
import { inboxOf } from '../../protocol/subjects.ts'
import { openFileLog } from '../kit/record-log/file.ts'
import { MemoryDisk } from '../kit/record-log/memory.ts'
import type { OpenedRecordLog } from '../kit/record-log/record-log.ts'
import { tellAwaiting } from './awaiting.ts'
import { agentIdIn, keptAgentId } from './identity.ts'
import type { Leaves } from './inputs.ts'
import { Journal } from './journal.ts'
import { openMachine } from './machine.ts'
import { type AgentsDeps, type Machine, openAgents } from './shell.ts'
import type { AgentState, Profile } from './state.ts'

/** What agents need of the world around them. */
export interface World {
  readonly cluster: string
  readonly system: BusSystem
  readonly clock: Clock
  readonly randomToken: RandomToken
  readonly onRefused: MessengerDeps['onRefused']
  readonly onGiveUp: AgentsDeps['onGiveUp']
  readonly onFault: AgentsDeps['onFault']
  readonly onNote?: AgentsDeps['onNote']
}

export interface RunningAgents {
  readonly agentIds: readonly AgentId[]
  /** For those who look on: simulations and tests. */
  readonly states: readonly AgentState[]
  /** Resolves once all that ever will have registered. Without `onNote` nobody looks. */
  readonly registered: Promise<void>
  /** Tasks run on. Idempotent. */
  stop(): Promise<void>
}

export interface Hosted {
  readonly machines: readonly Machine[]
  readonly openCheckpoint: () => OpenedRecordLog
  readonly bootId: string
  /** Default: never. */
  readonly leaves?: Leaves
}

/**
 * Agents of one process, on one connection and one checkpoint.
 *
 * @throws {ClusterError} when there is no bus to connect to, and as `openAgents`.
 */
export async function hostAgents(world: World, hosted: Hosted): Promise<RunningAgents> {
  const { cluster, system, clock, randomToken } = world
  const { machines, openCheckpoint, bootId, leaves = 'never' } = hosted
  const agentIds = machines.map(({ profile }) => profile.agentId)
  const name = `${cluster} agent ${agentIds[0] ?? ''}`
  const inbox = inboxOf(cluster, 'agent', agentIds[0] ?? '')
  const bus = await system.connect({ name, inbox })
  const messenger = openMessenger({ ...world, bus, isOpen: false })
  const stopBus = async (): Promise<void> => {
    messenger.close()
    await bus.close()
  }
  const openJournal = (): Journal => new Journal(openCheckpoint())
  const deps = { ...world, clock, randomToken, messenger, machines, openJournal, bootId, leaves }
  const agents = await openAgents(deps).catch(async (error: unknown) => {
    await stopBus()
    throw error
  })
  const { onNote } = world
  const { states } = agents
  let endAwaiting: (() => void) | undefined
  const registered = new Promise<void>((onRegistered) => {
    if (onNote) endAwaiting = tellAwaiting({ states, clock, onNote, onRegistered })
  })
  return {
    agentIds,
    states,
    registered,
    async stop() {
      endAwaiting?.()
      await agents.close()
      await stopBus()
    },
  }
}

export interface AgentOptions extends World {
  /** Absolute, and there. Holds sandboxes, the checkpoint and the agent's id. */
  readonly workDir: string
  /** Kept from the first start on. Default: the host's name and 64 random bits. */
  readonly agentId?: AgentId
  readonly hostname: string
  /** Of what it does not name there is what the machine has; of what is named with 0, nothing. */
  readonly resources?: ResourceList
  readonly attributes?: readonly Attribute[]
  /** Default: the strongest that works here. */
  readonly isolation?: Exclude<Isolation, 'pretending'>
  /** Where the container service listens, or `none`. Default: where Docker and Podman do. */
  readonly containerService?: string | undefined
  /** So many sandboxes of ended tasks are kept. Default SANDBOXES_MAX. */
  readonly sandboxesMax?: number | undefined
  /** As in `Profile`. */
  readonly sandboxKeepMs?: number | undefined
  readonly diskHeadroom?: number | undefined
  /** Of each task's stdout and stderr that do not say. Default OUTPUT_KEPT_BYTES. */
  readonly outputBytesMax?: number | undefined
  /** So long tasks go on without an agent; then they are ended. Default 15 min. */
  readonly recoveryTimeoutMs?: number | 'never' | undefined
  /** Ends who listens on a port that it was not given. Default: tells its framework. */
  readonly enforcesPorts?: boolean | undefined
  /** Whether the cluster forgets it at a stop. Default: never. */
  readonly leaves?: Exclude<Leaves, 'always'>
}

/** The agent of this machine. @throws {ClusterError} as `hostAgents`, and `agent/other-id`. */
export async function startAgent(options: AgentOptions): Promise<RunningAgents> {
  const { workDir, hostname, clock, isolation, containerService, outputBytesMax } = options
  const wanted = completeResources(options.resources ?? [], machineResources(workDir))
  const gpus = new GpuPool()
  const isKnown = keptAgentId(workDir) !== undefined
  const { resources, lacks } = cutGpus(wanted, gpus.all.length)
  if (lacks !== undefined && !isKnown) throw new ClusterError('agent/too-few-gpus', 'never', lacks)
  if (lacks !== undefined) options.onNote?.(lacks)
  const agentId = agentIdIn(workDir, options)
  const profile: Profile = {
    agentId,
    hostname,
    resources,
    attributes: options.attributes ?? [],
    ...(lacks !== undefined && { lacks }),
    sandboxesMax: options.sandboxesMax ?? SANDBOXES_MAX,
    sandboxKeepMs: options.sandboxKeepMs ?? SANDBOX_KEEP_MS,
    diskHeadroom: options.diskHeadroom ?? DISK_HEADROOM,
  }
  const { enforcesPorts } = options
  const here = {
    gpus,
    enforcesPorts,
    outputBytesMax,
    ...(isolation !== undefined && { isolation }),
  }
  const watch = watchOf(options.recoveryTimeoutMs ?? RECOVERY_TIMEOUT_MS)
  return await hostAgents(options, {
    machines: [
      {
        profile,
        openRuntime: (onEvent) =>
          openMachine({ ...here, workDir, agentId, clock, onEvent, watch, containerService }),
      },
    ],
    openCheckpoint: () => openCheckpointIn(workDir),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    leaves: options.leaves ?? 'never',
  })
}

/** The program that ends its tasks when it does not come back. */
export function watchOf(timeoutMs: number | 'never') {
  if (timeoutMs === 'never') return undefined
  const program = fileURLToPath(new URL('./alone.js', import.meta.url))
  return { timeoutMs, command: [process.execPath, program, String(timeoutMs)] }
}

const openCheckpointIn = (workDir: string): OpenedRecordLog =>
  openFileLog(
    join(workDir, 'checkpoint'),
    'restore it from a copy, or move it away to start as a new agent, which ends its tasks',
  )

/** What this machine has to offer. The directory is there. */
export function machineResources(workDir: string): ResourceList {
  const { cpus, mem, disk, gpus, ports } = detectResources(workDir)
  return [
    { name: 'cpus', scalar: cpus },
    { name: 'mem', scalar: mem },
    { name: 'disk', scalar: disk },
    { name: 'ports', ranges: ports.map(({ begin, end }) => [begin, end]) },
    ...(gpus > 0 ? [{ name: 'gpus', scalar: gpus }] : []),
  ]
}

/** `given`, and of all that it does not name what was detected. */
export function completeResources(given: ResourceList, detected: ResourceList): ResourceList {
  const named = new Set(given.map(({ name }) => name))
  const rest = detected.filter(({ name }) => !named.has(name))
  return listResources(resourcesOf([...given, ...rest]))
}

/**
 * Whoever offers more GPUs than there are gets tasks that cannot start: those that are there, and a
 * sentence if there are fewer than wanted.
 */
export function cutGpus(
  wanted: ResourceList,
  found: number,
): { readonly resources: ResourceList; readonly lacks?: string } {
  const isGpus = ({ name }: ResourceEntry): boolean => name === 'gpus'
  const offered = wanted.filter(isGpus).reduce((sum, { scalar = 0 }) => sum + scalar, 0)
  if (offered <= found) return { resources: wanted }
  let left = found
  const resources = wanted.flatMap((entry) => {
    if (!isGpus(entry)) return [entry]
    const scalar = Math.min(entry.scalar ?? 0, left)
    left -= scalar
    return scalar === 0 ? [] : [{ ...entry, scalar }]
  })
  return { resources, lacks: `the agent is to offer ${offered} gpus, and /dev has ${found}` }
}

export interface EmulatedOptions extends World {
  /** Their ids are this, `-` and 1, 2 … */
  readonly name: string
  readonly count: number
  readonly hostname: string
  /** Of each. */
  readonly resources: ResourceList
  readonly attributes?: readonly Attribute[]
  /** Where their checkpoint is, for one process at a time. Default: in memory. */
  readonly workDir?: string
}

/**
 * Agents whose tasks only pretend, and end with the process: without a checkpoint on disk nothing
 * of them is left, and at a stop they leave the cluster.
 */
export async function startEmulatedAgents(options: EmulatedOptions): Promise<RunningAgents> {
  const { name, count, hostname, resources, attributes = [], clock, workDir } = options
  const machines = Array.from({ length: count }, (_, i): Machine => {
    const agentId = `${name}-${i + 1}` as AgentId
    const machine = new PretendMachine()
    return {
      profile: { agentId, hostname, resources, attributes, sandboxesMax: 0 },
      openRuntime: (onEvent) => Promise.resolve(pretendingRuntime({ machine, clock, onEvent })),
    }
  })
  const openCheckpoint = (): OpenedRecordLog =>
    workDir === undefined ? new MemoryDisk().open() : openCheckpointIn(workDir)
  const leaves = workDir === undefined ? 'always' : 'never'
  return await hostAgents(options, { machines, openCheckpoint, bootId: name, leaves })
}
