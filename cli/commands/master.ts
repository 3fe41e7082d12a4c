/** `bourse master`: one leads, any number stand by. */
import { join } from 'node:path'
import type { RemovalLimit } from '../../actors/master/agents/membership.ts'
import { copyFile } from '../../actors/master/copy-file.ts'
import { epochFile } from '../../actors/master/epoch-file.ts'
import { type RunningMaster, startMaster } from '../../actors/master/main.ts'
import type { MasterRules } from '../../actors/master/state.ts'
import type { HistoryLimits } from '../../bus/bus.ts'
import type { Claimer } from '../../bus/nats/claimed-file.ts'
import { stateFolder } from '../../bus/nats/state-folder.ts'
import { isNatsCluster } from '../../bus/nats/system.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { MasterId } from '../../protocol/ids.ts'
import { CLUSTER_LEASE_MS } from '../../protocol/limits.ts'
import type { MinAllocatable } from '../../protocol/schema/common.ts'
import { runActorProcess } from '../actor-process.ts'
import type { ActorWorld } from '../actor-world.ts'
import type { ExitCode } from '../exit-code.ts'
import type { FoundCluster } from '../find-cluster.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import { startOwning } from '../owned-folder.ts'

/** Durations in milliseconds. */
export interface MasterFlags {
  readonly lease?: number
  readonly agentPing?: number
  readonly agentPingsMissed?: number
  readonly reregister?: number
  readonly agentRemovals?: RemovalLimit
  readonly frameworkPing?: number
  readonly frameworkPingsMissed?: number
  readonly offerTimeout?: number
  readonly minAllocatable?: MinAllocatable
  readonly region?: string
  readonly eventAge?: number
  readonly eventBytes?: number
}

export interface MasterOptions extends CommandOptions, MasterFlags {
  readonly id: MasterId
  readonly workDir?: string
  readonly replicas?: number
}

export async function master(invocation: Invocation<MasterOptions>): Promise<ExitCode> {
  const { options, io } = invocation
  const { id, workDir = join(stateFolder(io.env), 'masters', id) } = options
  const start = (world: ActorWorld) => {
    const rules = rulesOf(options, world.replicas)
    return startMasterIn(world, { masterId: id, workDir, rules, events: eventsOf(options) })
  }
  const replicasOf = (found: FoundCluster) => usualReplicas(found, id)
  const replicas = options.replicas ?? replicasOf
  return runActorProcess({ name: `master ${id}`, replicas, start }, invocation)
}

/** As many as lose one of them and go on, if there may be as many. */
const usualReplicas = async ({ location, cluster }: FoundCluster, id: MasterId): Promise<number> =>
  (await isNatsCluster(location, `${cluster} master ${id} asks`)) ? 3 : 1

interface MasterHere {
  readonly masterId: MasterId
  /** For its epoch, and its copy of the registry. */
  readonly workDir: string
  readonly rules: Partial<MasterRules>
  readonly events?: Partial<HistoryLimits>
}

/**
 * @throws {ClusterError} `master/in-use`: another master has that work directory; as `startMaster`.
 */
export async function startMasterIn(
  world: ActorWorld,
  { workDir, ...master }: MasterHere,
): Promise<RunningMaster> {
  return await startOwning(
    workDir,
    (other) => inUse(workDir, other),
    () => {
      const disk = { epochs: epochFile(workDir), copy: copyFile(workDir) }
      return startMaster({ ...world, ...master, ...disk, onLog: world.log })
    },
  )
}

/** Two masters of one name would take each other's words for their own. */
const inUse = (workDir: string, { pid }: Claimer): ClusterError =>
  new ClusterError(
    'master/in-use',
    'later',
    `${workDir} is in use by the master with pid ${pid}: another one needs its own --id`,
  )

/** What is not given stays as it is. */
const eventsOf = ({ eventAge, eventBytes }: MasterFlags): Partial<HistoryLimits> => ({
  ...(eventAge !== undefined && { ageMsMax: eventAge }),
  ...(eventBytes !== undefined && { bytesMax: eventBytes }),
})

/** What is not given keeps its default; a lease on several servers is longer. */
function rulesOf(options: MasterOptions, replicas: number): Partial<MasterRules> {
  const { lease = replicas > 1 ? CLUSTER_LEASE_MS : undefined } = options
  const rules = {
    leaseMs: lease,
    agentPingMs: options.agentPing,
    agentPingsMissedMax: options.agentPingsMissed,
    reregisterMs: options.reregister,
    agentRemovals: options.agentRemovals,
    frameworkPingMs: options.frameworkPing,
    frameworkPingsMissedMax: options.frameworkPingsMissed,
    offerTimeoutMs: options.offerTimeout,
    minAllocatable: options.minAllocatable,
    region: options.region,
  }
  return Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined))
}
