/** The cluster of a `bourse dev`: everything it starts, and stops in the right order. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { endLeftovers } from '../../actors/agent/leftovers.ts'
import { machineResources } from '../../actors/agent/main.ts'
import { systemClock } from '../../bus/clock.ts'
import { makeFolder } from '../../bus/make-folder.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { AgentId, MasterId } from '../../protocol/ids.ts'
import { KILL_GRACE_MS, RECOVERY_TIMEOUT_MS } from '../../protocol/limits.ts'
import { formatDuration } from '../duration.ts'
import { clusterAt, type FoundCluster } from '../find-cluster.ts'
import { plural } from '../plural.ts'
import { hostHere } from './here.ts'
import type { DevHost, DevOwner, DevPolicy, Stoppable } from './owner.ts'
import { hostProcesses } from './processes.ts'
import { endRuns } from './runs.ts'
import { startDevServer } from './server.ts'
import { equalShares } from './shares.ts'
import {
  type Absent,
  absentAgents,
  agentsAway,
  agentsLeft,
  endTasks,
  tasksOn,
} from './tasks-and-agents.ts'

export interface DevPlan {
  readonly cluster: string
  readonly masters: number
  readonly agents: number
  readonly emulated: number
  readonly policy?: DevPolicy
  /** A process for each actor. */
  readonly processes: boolean
  /** Forgets what is kept of earlier ones. */
  readonly fresh: boolean
  /** A server that is there already. */
  readonly nats?: string
  /** Of a server of our own; 0: one that is free. */
  readonly port: number
}

export interface Started {
  /** Of its server. */
  readonly url: string
  /** Agents that it started, and that have not registered. */
  readonly absent: readonly AgentId[]
}

const EMULATED = 'emulated' as AgentId
const NAMED_MAX = 3

export class DevCluster {
  readonly #owner: DevOwner
  readonly #plan: DevPlan
  #server: Stoppable | undefined
  #found: FoundCluster | undefined
  readonly #masters: Stoppable[] = []
  readonly #allocators: Stoppable[] = []
  readonly #agents: Stoppable[] = []
  readonly #agentIds: AgentId[] = []

  constructor(owner: DevOwner, plan: DevPlan) {
    this.#owner = owner
    this.#plan = plan
  }

  /**
   * Starts all, and waits for the agents to register. Undefined: `isStopped` was true in between.
   *
   * @throws {ClusterError} when something cannot be started. `stop` ends what was.
   */
  async start(isStopped: () => boolean): Promise<Started | undefined> {
    const { cluster, processes } = this.#plan
    await this.#prepareFolder()
    const url = this.#plan.nats ?? (await this.#startServer())
    if (isStopped()) return undefined
    const found = { location: clusterAt(url), cluster }
    this.#found = found
    const host = processes
      ? hostProcesses(this.#owner, { nats: url, cluster })
      : hostHere(this.#owner, found)
    await this.#startActors(host)
    const absent = await absentAgents(found, this.#agentIds, isStopped)
    if (isStopped()) return undefined
    this.#tellOfAbsent(absent)
    await unlessFault(this.#tellOfEarlier(found), this.#owner)
    return { url, absent: [...absent.missing, ...absent.gone] }
  }

  #tellOfAbsent({ missing, gone }: Absent): void {
    if (missing.length > 0)
      this.#owner.say(`not registered yet: ${missing.join(', ')}; see ${this.#folder('log')}`)
    if (gone.length > 0)
      this.#owner.say(
        `given up with \`bourse gone\`, and refused for ever: ${gone.join(', ')}; --fresh begins a cluster anew, with all of them`,
      )
  }

  /**
   * Tasks outlive a dev that died. Agents that had no time to leave are remembered: with fewer than
   * the last time, some are missed.
   */
  async #tellOfEarlier(found: FoundCluster): Promise<void> {
    const tasks = await tasksOn(found, this.#agentIds)
    if (tasks > 0)
      this.#owner.say(
        `${plural(tasks, 'task')} of an earlier start ${tasks === 1 ? 'runs' : 'run'} on`,
      )
    const own = this.#ownIds()
    const away = (await agentsAway(found)).filter((agentId) => !own.has(agentId))
    const folders = new Set(this.#agentFolders().map((workDir) => basename(workDir)))
    const ours = away.filter((agentId) => folders.has(agentId))
    if (ours.length > 0)
      this.#owner.say(
        `of an earlier start, and not started now: ${named(ours)}; what runs there is not counted, and ends ${formatDuration(RECOVERY_TIMEOUT_MS)} after that start did, or with --fresh`,
      )
    const others = away.filter((agentId) => !folders.has(agentId))
    if (others.length > 0)
      this.#owner.say(`not back, and listed until then or --fresh: ${named(others)}`)
  }

  #ownIds(): ReadonlySet<AgentId> {
    const { emulated } = this.#plan
    return new Set([
      ...this.#agentIds,
      ...Array.from({ length: emulated }, (_, i) => `${EMULATED}-${i + 1}` as AgentId),
    ])
  }

  /**
   * Ends tasks, actors and the server; state is kept. Agents without a task leave the cluster: the
   * next start may have fewer.
   */
  async stop(): Promise<void> {
    // Without it nothing new is placed while tasks are ended.
    await stopAll(this.#allocators)
    if (this.#found !== undefined)
      await unlessFault(endTasks(this.#found, this.#agentIds), this.#owner)
    await stopAll(this.#agents)
    if (this.#found !== undefined)
      await unlessFault(agentsLeft(this.#found, this.#ownIds()), this.#owner)
    for (const workDir of this.#agentFolders())
      await unlessFault(endAll(workDir, false), this.#owner)
    await stopAll(this.#masters)
    await this.#server?.stop()
  }

  #folder(...names: readonly string[]): string {
    return join(this.#owner.folder, ...names)
  }

  /** Of all agents that were ever started, by this process or one before. */
  #agentFolders(): readonly string[] {
    const all = this.#folder('agents')
    return existsSync(all) ? readdirSync(all).map((name) => join(all, name)) : []
  }

  async #prepareFolder(): Promise<void> {
    if (this.#plan.fresh) {
      endRuns(this.#folder('runs'))
      for (const workDir of this.#agentFolders()) await endAll(workDir, true)
      rmSync(this.#owner.folder, { recursive: true, force: true })
    }
    makeFolder(this.#folder())
    rmSync(this.#folder('log.old'), { recursive: true, force: true })
    if (existsSync(this.#folder('log'))) renameSync(this.#folder('log'), this.#folder('log.old'))
    mkdirSync(this.#folder('log'))
  }

  async #startServer(): Promise<string> {
    const server = await startDevServer(this.#owner, this.#plan.port)
    this.#server = server
    return server.url
  }

  async #startActors(host: DevHost): Promise<void> {
    const { masters, agents, emulated } = this.#plan
    for (let i = 1; i <= masters; i++) {
      const masterId = `master-${i}` as MasterId
      const workDir = this.#folder('masters', masterId)
      this.#masters.push(await host.startMaster({ masterId, workDir, isAlone: masters === 1 }))
    }
    this.#allocators.push(await host.startAllocator(this.#plan.policy))
    if (agents > 0) await this.#startAgents(host, agents)
    if (emulated > 0) {
      this.#agents.push(await host.startEmulated(EMULATED, emulated))
      this.#agentIds.push(`${EMULATED}-${emulated}` as AgentId)
    }
  }

  async #startAgents(host: DevHost, count: number): Promise<void> {
    makeFolder(this.#folder('agents'))
    const shares = equalShares(machineResources(this.#folder('agents')), count)
    for (const [i, resources] of shares.entries()) {
      const id = `agent-${i + 1}` as AgentId
      this.#agents.push(
        await host.startAgent({ id, resources, workDir: this.#folder('agents', id) }),
      )
      this.#agentIds.push(id)
    }
  }
}

function named(agentIds: readonly AgentId[]): string {
  const more = agentIds.length > NAMED_MAX ? ` and ${agentIds.length - NAMED_MAX} more` : ''
  return `${agentIds.slice(0, NAMED_MAX).join(', ')}${more}`
}

const endAll = (workDir: string, forget: boolean): Promise<number> =>
  endLeftovers({ workDir, clock: systemClock, graceMs: KILL_GRACE_MS, forget })

async function stopAll(all: Stoppable[]): Promise<void> {
  await Promise.all(all.splice(0).map((one) => one.stop()))
}

/** While all is ended anyway, what cannot be done is only told. */
async function unlessFault(doing: Promise<unknown>, { say }: DevOwner): Promise<void> {
  try {
    await doing
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    say(error.message)
  }
}
