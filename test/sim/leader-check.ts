/** Invariant 1 at the leader: what is held and what is offered never exceeds what there is. */

import type { Effect } from '../../actors/master/effects.ts'
import type { Agent, Offer } from '../../actors/master/entities.ts'
import { describeAmount, firstAbove } from '../../actors/master/roles/amounts.ts'
import { termsOf, topOf } from '../../actors/master/roles/books.ts'
import { allocatedByTop } from '../../actors/master/roles/quota-sums.ts'
import type { Leader, MasterRules, MasterState } from '../../actors/master/state.ts'
import {
  addResources,
  containsResources,
  describeResources,
  NO_RESOURCES,
  type Resources,
  resourcesOf,
  scalarOf,
} from '../../protocol/resources.ts'
import type { AgentOrders } from '../../protocol/schema/agent.ts'
import type { RegistryBatch } from '../../protocol/schema/master.ts'
import type { Awake } from './awake.ts'
import type { Step } from './watch.ts'
import type { World } from './world.ts'

/** What is not bound to one agent is compared this often. */
const WHOLE_EVERY_MS = 1_000
/** A leader's clock may be slow, and it may have much to do. */
const LATE_MS = 1_500

export class LeaderCheck {
  readonly #world: World
  /** The version of each agent's figures that was looked at last. */
  readonly #seen = new WeakMap<Agent, number>()
  /** How many offers each leader had made when it was looked at last. */
  readonly #offers = new WeakMap<Leader, number>()
  readonly #awake: Awake
  /** When each offer was seen first. */
  readonly #madeAtMs = new WeakMap<Offer, number>()
  #wholeAtMs = 0

  constructor(world: World, awake: Awake) {
    this.#world = world
    this.#awake = awake
  }

  /** Looks at what the step has touched. `isNewest`: nobody has ever taken a higher epoch. */
  step({ state, effects }: Step, isNewest: boolean): void {
    for (const effect of effects as readonly Effect[]) {
      if (effect.do === 'append-registry') this.#recorded(effect.batch)
      if (effect.do === 'send-orders') this.#ordered(effect.body)
    }
    const { leader } = state as MasterState
    if (leader === undefined) return
    this.#limits(leader)
    for (const agentId of leader.dirtyAgents) {
      const agent = leader.agents.get(agentId)
      if (agent === undefined || this.#seen.get(agent) === agent.version) continue
      this.#seen.set(agent, agent.version)
      this.#agent(leader, agent)
      // An older leader has not heard of it.
      if (isNewest) this.#gone(leader, agent)
    }
    const { nowMs } = this.#world
    if (nowMs < this.#wholeAtMs) return
    this.#wholeAtMs = nowMs + WHOLE_EVERY_MS
    this.#roles(leader)
    if (isNewest) this.#ages(leader, (state as MasterState).rules)
  }

  /** No offer is open for longer than the rules say. */
  #ages({ offers }: Leader, { offerTimeoutMs }: MasterRules): void {
    const { nowMs } = this.#world
    for (const offer of offers.values()) {
      const madeAtMs = this.#madeAtMs.get(offer) ?? nowMs
      this.#madeAtMs.set(offer, madeAtMs)
      const forMs = Math.round(nowMs - Math.max(madeAtMs, this.#awake.sinceMs))
      if (forMs <= offerTimeoutMs + LATE_MS) continue
      this.#world.fail({
        invariant: 'no offer outlives its time',
        what: `${offer.offerId} is open for ${forMs} ms, and may be for ${offerTimeoutMs}`,
        about: [offer.offerId],
      })
    }
  }

  #ordered({ orders }: AgentOrders): void {
    for (const order of orders)
      if (order.kind === 'run')
        for (const { task } of order.tasks) this.#world.ledger.ordered(order, task.taskId)
  }

  /** Once it is asked for, it may be in the log whatever comes back. */
  #recorded({ records }: RegistryBatch): void {
    for (const record of records)
      if (record.kind === 'framework-ended') this.#world.ledger.tornDown(record)
  }

  /** With what is offered just now no role has more than its limit. */
  #limits(leader: Leader): void {
    const before = this.#offers.get(leader) ?? 0
    this.#offers.set(leader, leader.offerCount)
    if (leader.offerCount === before || leader.roles.limited.size === 0) return
    const counted = allocatedByTop(leader)
    for (const { offerId, role, resources } of leader.offers.values()) {
      const isNew = Number(offerId.slice(offerId.lastIndexOf('-') + 1)) > before
      if (!isNew) continue
      const { limit } = termsOf(leader.roles, topOf(role))
      const has = counted.get(topOf(role)) ?? new Map()
      const name = firstAbove(has, limit)
      if (name === undefined || scalarOf(resources, name) === 0) continue
      this.#world.fail({
        invariant: 'no role is offered more than its limit',
        what: `${role} has ${describeAmount(name, has)} of ${describeAmount(name, limit)}`,
        about: [offerId],
      })
    }
  }

  #agent(leader: Leader, agent: Agent): void {
    if (agent.state !== 'registered') return
    this.#total(leader, agent)
    const taken = addResources(heldAt(agent), offeredAt(leader, agent))
    const all = addResources(taken, agent.free)
    if (isSame(all, agent.total)) return
    const { agentId } = agent
    this.#world.fail({
      invariant: '1: nothing is allocated twice',
      what:
        `epoch ${leader.epoch} counts ${describeResources(taken)} taken and ` +
        `${describeResources(agent.free)} free of ${describeResources(agent.total)} at ${agentId}`,
      about: [agentId],
    })
  }

  /** It is counted as no more and no less than the machine has. */
  #total({ epoch }: Leader, { agentId, total }: Agent): void {
    const machine = this.#world.machines.find((one) => one.agentId === agentId)
    if (machine === undefined || isSame(resourcesOf(machine.resources), total)) return
    const [counted, has] = [total, resourcesOf(machine.resources)].map(describeResources)
    this.#world.fail({
      invariant: '1: nothing is allocated twice',
      what: `${agentId} has ${has}, epoch ${epoch} counts ${counted}`,
      about: [agentId],
    })
  }

  #gone(leader: Leader, { agentId, state }: Agent): void {
    if (state !== 'registered' || !this.#world.ledger.gone.get(agentId)) return
    this.#world.fail({
      invariant: 'no agent comes back that was given up',
      what: `${agentId} is registered in epoch ${leader.epoch}`,
      about: [agentId],
    })
  }

  /** What roles have is what their tasks hold and what is offered to them. */
  #roles(leader: Leader): void {
    const sums = new Map<string, Resources>()
    const add = (key: string, resources: Resources): void => {
      sums.set(key, addResources(sums.get(key) ?? NO_RESOURCES, resources))
    }
    for (const framework of leader.frameworks.values()) {
      for (const task of framework.tasks.values())
        if (task.isHeld) add(`${framework.key} ${task.role}`, task.resources)
      for (const offerId of framework.offers) {
        const offer = leader.offers.get(offerId)
        if (offer !== undefined) add(`${framework.key} ${offer.role}`, offer.resources)
      }
    }
    for (const framework of leader.frameworks.values())
      for (const [role, { allocated }] of framework.roles) {
        const sum = sums.get(`${framework.key} ${role}`) ?? NO_RESOURCES
        if (isSame(sum, allocated)) continue
        const counted = describeResources(allocated)
        this.#world.fail({
          invariant: '1: nothing is allocated twice',
          what: `${framework.key} has ${describeResources(sum)}, counted are ${counted}`,
          about: [framework.frameworkId],
        })
      }
  }
}

/** What the tasks that count hold there. */
export function heldAt(agent: Agent): Resources {
  let held = NO_RESOURCES
  for (const task of agent.tasks) if (task.isHeld) held = addResources(held, task.resources)
  return held
}

export function offeredAt(leader: Leader, agent: Agent): Resources {
  let offered = NO_RESOURCES
  for (const offerId of agent.offers) {
    const offer = leader.offers.get(offerId)
    if (offer !== undefined) offered = addResources(offered, offer.resources)
  }
  return offered
}

const isSame = (a: Resources, b: Resources): boolean =>
  containsResources(a, b) && containsResources(b, a)
