/** `bourse agent`: this machine for the cluster, or many machines that only pretend. */
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { type AgentOptions, startAgent, startEmulatedAgents } from '../../actors/agent/main.ts'
import { makeFolder } from '../../bus/make-folder.ts'
import type { Claimer } from '../../bus/nats/claimed-file.ts'
import { isForbidden } from '../../bus/nats/forbidden.ts'
import { stateFolder } from '../../bus/nats/state-folder.ts'
import { randomToken } from '../../bus/random.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { AgentId } from '../../protocol/ids.ts'
import type { Attribute, ResourceList } from '../../protocol/schema/common.ts'
import { agentOrders } from '../../protocol/subjects.ts'
import { runActorProcess } from '../actor-process.ts'
import type { ActorWorld } from '../actor-world.ts'
import type { ExitCode } from '../exit-code.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import { startOwning } from '../owned-folder.ts'

export interface AgentFlags extends CommandOptions {
  readonly id?: AgentId
  readonly workDir?: string
  readonly hostname?: string
  readonly resources?: ResourceList
  readonly attributes?: readonly Attribute[]
  readonly isolation?: AgentOptions['isolation']
  readonly containerService?: string
  readonly sandboxKeep?: number
  readonly sandboxesMax?: number
  readonly diskHeadroom?: number
  /** MiB */
  readonly outputMax?: number
  readonly recoveryTimeout?: number | 'never'
  readonly enforcePorts?: boolean
  readonly leaveWhenIdle?: boolean
  readonly emulate?: number
}

/** Of each machine that only pretends. */
export const EMULATED_RESOURCES: ResourceList = [
  { name: 'cpus', scalar: 8 },
  { name: 'mem', scalar: 16_384 },
  { name: 'disk', scalar: 65_536 },
  { name: 'ports', ranges: [[31_000, 32_000]] },
]

type GiveUp = (message: string) => void

export function agent(invocation: Invocation<AgentFlags>): Promise<ExitCode> {
  const { options, io } = invocation
  const { emulate, workDir = join(stateFolder(io.env), 'agent') } = options
  const name = `agent ${options.id ?? ''}`.trim()
  const start = (world: ActorWorld, giveUp: GiveUp) =>
    emulate === undefined
      ? startAgentIn(world, { ...options, workDir }, giveUp)
      : startEmulatedIn(world, { ...options, count: emulate }, giveUp)
  return runActorProcess({ name, start }, invocation)
}

type AgentHere = Omit<AgentFlags, keyof CommandOptions | 'id' | 'emulate'> & {
  readonly id?: AgentId
  readonly workDir: string
}

export async function startAgentIn(world: ActorWorld, options: AgentHere, giveUp: GiveUp) {
  const { id, hostname: host = hostname(), resources, attributes, isolation } = options
  const { sandboxKeep, sandboxesMax, diskHeadroom, recoveryTimeout, leaveWhenIdle } = options
  const { containerService } = options
  const workDir = folderAt(options.workDir)
  if (id !== undefined) endIfAnothers(world, id, giveUp)
  const running = await startAgent({
    ...agentWorld(world, giveUp),
    workDir,
    hostname: host,
    ...(id === undefined ? {} : { agentId: id }),
    ...(resources === undefined ? {} : { resources }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(isolation === undefined ? {} : { isolation }),
    containerService,
    sandboxKeepMs: sandboxKeep,
    sandboxesMax,
    diskHeadroom,
    outputBytesMax: options.outputMax === undefined ? undefined : options.outputMax * 1024 ** 2,
    recoveryTimeoutMs: recoveryTimeout,
    enforcesPorts: options.enforcePorts,
    leaves: leaveWhenIdle ? 'when-idle' : 'never',
  })
  world.log({ level: 'info', message: 'agent', fields: { id: running.agentIds[0] ?? '', workDir } })
  return running
}

/** An agent that has just connected asks for its orders: that is forbidden only to others. */
const CONNECTED_MS = 10_000

/** Later, when its users were changed under it, it goes on: its tasks would end without it. */
function endIfAnothers({ cluster, clock, watchFaults }: ActorWorld, id: AgentId, giveUp: GiveUp) {
  const orders = agentOrders.on({ cluster, agentId: id })
  const untilMs = clock.now().monotonicMs + CONNECTED_MS
  watchFaults((fault) => {
    if (!isForbidden(fault, orders) || clock.now().monotonicMs > untilMs) return
    giveUp(
      `these are not the credentials of agent ${id}: give it those that \`bourse auth add agent ${id}\` makes, or the --id that these are for`,
    )
  })
}

type EmulatedHere = Omit<AgentHere, 'workDir' | 'isolation' | 'leaveWhenIdle'> & {
  readonly count: number
  /** Where their checkpoint is. Default: in memory, and they leave with their process. */
  readonly workDir?: string
}

/** Unless they are named, ids are new: nothing of them outlives the process. */
export function startEmulatedIn(world: ActorWorld, options: EmulatedHere, giveUp: GiveUp) {
  const { id = `emulated-${randomToken(64)}`, count, attributes, workDir } = options
  const { hostname: host = hostname(), resources = EMULATED_RESOURCES } = options
  const emulated = {
    ...agentWorld(world, giveUp),
    name: id,
    count,
    hostname: host,
    resources,
    ...(attributes === undefined ? {} : { attributes }),
  }
  if (workDir === undefined) return startEmulatedAgents(emulated)
  const start = () => startEmulatedAgents({ ...emulated, workDir: folderAt(workDir) })
  return startOwning(workDir, (other) => inUse(workDir, other), start)
}

/** Two processes would write one checkpoint. */
const inUse = (workDir: string, { pid }: Claimer): ClusterError =>
  new ClusterError(
    'agent/in-use',
    'later',
    `${workDir} is in use by the agents with pid ${pid}: others need their own --work-dir`,
  )

/** Absolute, and there. */
function folderAt(path: string): string {
  const folder = resolve(path)
  makeFolder(folder)
  return folder
}

function agentWorld(world: ActorWorld, giveUp: GiveUp) {
  const { log } = world
  return {
    ...world,
    onGiveUp: (message: string, agentId?: AgentId): void =>
      giveUp(agentId === undefined ? message : `agent ${agentId}: ${message}`),
    onNote: (message: string): void => log({ level: 'info', message }),
    onFault: (fault: unknown): void =>
      log({ level: 'warn', message: fault instanceof Error ? fault.message : String(fault) }),
  }
}
