/**
 * Stories on a whole simulated cluster, told from outside: what frameworks and operators call, and
 * what they are offered, told and answered. Virtual time passes only when it is let.
 */
import type { EmulatedOptions, RunningAgents } from '../../actors/agent/main.ts'
import type { LoadedPolicy } from '../../actors/allocator/policies/load.ts'
import type { MasterRules } from '../../actors/master/state.ts'
import type { Bus, BusSystem } from '../../bus/bus.ts'
import { openMessenger } from '../../bus/messenger.ts'
import { RefusedError } from '../../bus/service.ts'
import { type OperatorClient, operatorClient } from '../../cli/operator-client.ts'
import type { Principal, SessionId } from '../../protocol/ids.ts'
import type { Subscribe } from '../../protocol/schema/calls.ts'
import type { Message } from '../../protocol/schema/messages.ts'
import {
  frameworkInbox,
  inboxOf,
  type OPERATOR_ANSWERS,
  type OPERATOR_VERBS,
  type OperatorVerb,
} from '../../protocol/subjects.ts'
import { SimulatedActors } from '../../testing/simulated-actors.ts'
import { cpusMem, takeAll, WireFramework } from './wire-framework.ts'

/** All that was said has been heard and answered. */
const SOON_MS = 100
/** A leader, its allocator and agents know each other. */
const SETTLED_MS = 2_000
/** A silent leader was probed in vain, another one leads, and everybody who lives has opened. */
export const TAKEN_OVER_MS = 20_000

export type AgentsWanted = Partial<
  Pick<EmulatedOptions, 'name' | 'count' | 'hostname' | 'resources' | 'attributes' | 'onGiveUp'>
>

/** Agents of one process. */
export interface Island extends RunningAgents {
  /** From now on nothing of theirs reaches anybody, and nobody is told. */
  cutOff(): void
  /** It does again. */
  join(): void
}

export interface FrameworkWanted extends Partial<Subscribe> {
  readonly session?: SessionId
  readonly principal?: string
}

type OperatorBody<V extends OperatorVerb> = Message<(typeof OPERATOR_VERBS)[V]>
type OperatorAnswer<V extends OperatorVerb> = Message<(typeof OPERATOR_ANSWERS)[V]>

export class Scenario {
  readonly cluster: SimulatedActors
  readonly #operator: OperatorClient

  private constructor(cluster: SimulatedActors, operator: OperatorClient) {
    this.cluster = cluster
    this.#operator = operator
  }

  /** A leader, an allocator, and these agents, each `agent-1` with 4 cpus and 1 GiB by default. */
  static open(...agents: readonly AgentsWanted[]): Promise<Scenario> {
    return Scenario.openWith({}, ...agents)
  }

  /** The same, with masters of these rules. */
  static async openWith(
    rules: Partial<MasterRules>,
    ...agents: readonly AgentsWanted[]
  ): Promise<Scenario> {
    return Scenario.#begin(await SimulatedActors.open(0, rules), agents)
  }

  static async #begin(
    cluster: SimulatedActors,
    agents: readonly AgentsWanted[],
  ): Promise<Scenario> {
    const { system, clock } = cluster
    const principal = 'local' as Principal
    const inbox = inboxOf('bourse', 'operator', principal)
    const bus = await cluster.until(system.connect({ name: 'operator', inbox }))
    const client = operatorClient({ bus, clock, cluster: 'bourse', principal, isOpen: false })
    const scenario = new Scenario(cluster, client)
    for (const wanted of agents) await scenario.agents(wanted)
    await scenario.pass(SETTLED_MS)
    return scenario
  }

  /** The same, with an allocator of that policy. */
  static async openBy(loaded: LoadedPolicy, ...agents: readonly AgentsWanted[]): Promise<Scenario> {
    return Scenario.#begin(await SimulatedActors.open(0, {}, loaded), agents)
  }

  pass(ms = SOON_MS): Promise<void> {
    const { cluster } = this
    return cluster.until(new Promise((resolve) => void cluster.clock.after(ms, resolve)))
  }

  /** The leader dies, and another master leads, knows its agents, and has an allocator. */
  async takeover(): Promise<void> {
    const { cluster } = this
    await cluster.until(cluster.startMaster())
    cluster.killLeader()
    await this.pass(TAKEN_OVER_MS)
  }

  /** One agent on each, by its id: `a-1` for `a`. They have registered. */
  async islands(...names: readonly string[]): Promise<ReadonlyMap<string, Island>> {
    const islands = new Map<string, Island>()
    for (const name of names) islands.set(`${name}-1`, await this.agents({ name }))
    await this.pass(2_000)
    return islands
  }

  async agents(wanted: AgentsWanted = {}): Promise<Island> {
    const { cluster } = this
    const buses: Bus[] = []
    const system: BusSystem = {
      connect: async (options) => {
        const bus = await cluster.system.connect(options)
        buses.push(bus)
        return bus
      },
      keyValue: (bus, bucket) => cluster.system.keyValue(bus, bucket),
      log: (bus, name) => cluster.system.log(bus, name),
      keepHistory: (bus, settings) => cluster.system.keepHistory(bus, settings),
      history: (bus, kept) => cluster.system.history(bus, kept),
    }
    const running = await cluster.until(cluster.startAgents({ ...wanted, system }))
    return {
      ...running,
      cutOff: () => cluster.system.move(buses, 1),
      join: () => cluster.system.move(buses, 0),
    }
  }

  /** A framework that has not subscribed. */
  async stranger(frameworkId: string, wanted: FrameworkWanted = {}): Promise<WireFramework> {
    const { cluster } = this
    const { session, principal = 'local' } = wanted
    const inbox = frameworkInbox({ cluster: 'bourse', principal, frameworkId })
    const bus = await cluster.until(cluster.system.connect({ name: frameworkId, inbox }))
    const { clock, randomToken } = cluster
    const messenger = openMessenger({
      bus,
      clock,
      randomToken,
      isOpen: false,
      onRefused: (subject, { message }) => {
        throw new Error(`${subject}: ${message}`)
      },
    })
    const until = <T>(promise: Promise<T>): Promise<T> => cluster.until(promise)
    const named = session === undefined ? {} : { session }
    return new WireFramework({ messenger, frameworkId, principal, until, ...named })
  }

  /** A framework that has subscribed with these terms, and has what it is offered at once. */
  async framework(frameworkId: string, wanted: FrameworkWanted = {}): Promise<WireFramework> {
    const framework = await this.stranger(frameworkId, wanted)
    const { principal: _, ...terms } = wanted
    const { outcome } = await framework.subscribe(terms)
    if (outcome !== 'done') throw new Error(`${frameworkId} may not subscribe: ${outcome}`)
    await this.pass()
    return framework
  }

  /** What the leader answers an operator. @throws {RefusedError} */
  ask<V extends OperatorVerb>(verb: V, body: OperatorBody<V>): Promise<OperatorAnswer<V>> {
    return this.cluster.until(this.#operator.ask(verb, body))
  }

  /** `done`, or the name by which the leader refuses an operator. */
  async outcome<V extends OperatorVerb>(verb: V, body: OperatorBody<V>): Promise<string> {
    try {
      await this.ask(verb, body)
      return 'done'
    } catch (error) {
      if (error instanceof RefusedError) return error.refusal.name
      throw error
    }
  }
}

/** Adds an agent and says which of these was offered it; whoever is takes all of it. */
export async function grow(
  scenario: Scenario,
  frameworks: readonly WireFramework[],
  [name, cpus, mem]: readonly [name: string, cpus: number, mem: number],
): Promise<string> {
  await scenario.agents({ name, resources: cpusMem(cpus, mem) })
  await scenario.pass(2_000)
  const taker = frameworks.find(({ offers }) => offers.length > 0)
  await takeAll(frameworks, () => scenario.pass())
  return taker?.ids.frameworkId ?? 'nobody'
}
