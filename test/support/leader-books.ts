/**
 * What a leader knows of that its allocator is told, in small: absolute books, and the figures that
 * say what has changed in them. It makes or refuses what is allocated, as a leader does.
 */
import type { AgentId, FrameworkId, Principal } from '../../protocol/ids.ts'
import {
  addResources,
  containsResources,
  listResources,
  NO_RESOURCES,
  type Resources,
  resourcesOf,
  scalarsOf,
  subtractResources,
} from '../../protocol/resources.ts'
import { toThousandths } from '../../protocol/scalar.ts'
import type { AllocatorFigure } from '../../protocol/schema/allocator.ts'
import type { ResourceList } from '../../protocol/schema/common.ts'
import type { Allocation } from '../../protocol/schema/master.ts'

type Figure<K extends AllocatorFigure['kind']> = Extract<AllocatorFigure, { kind: K }>

type Attributes = Figure<'agent-info'>['attributes']
/** What a member wants of offers. */
export type Terms = Pick<Figure<'member-terms'>, 'capabilities' | 'constraints' | 'minAllocatable'>
export type RoleTerms = Pick<Figure<'role'>, 'weight' | 'guarantee' | 'limit'>

/** A framework in one of its roles. */
export interface Member {
  readonly key: string
  readonly frameworkId: FrameworkId
  readonly role: string
  terms: Terms
  suppressed: boolean
  declinedLast: boolean
  /** Scalars only: ranges of two agents do not add up. */
  allocated: Resources
  offers: number
  readonly filters: Map<AgentId, Filter>
}

export interface Filter {
  readonly resources: Resources
  readonly untilMs: number
}

export interface Agent {
  readonly agentId: AgentId
  readonly total: ResourceList
  /** The same. */
  readonly all: Resources
  readonly attributes: Attributes
  version: number
  free: Resources
}

/** What an offer or a task holds. */
export interface Holding {
  readonly agentId: AgentId
  readonly member: Member
  readonly resources: Resources
}

export interface Offer extends Holding {
  readonly allocation: number
}

const PRINCIPAL = 'local' as Principal
/** Of one figure. */
const ANSWERS_MAX = 1_000
const DEFAULTS: RoleTerms = { weight: 1, guarantee: {}, limit: {} }

/** Quotas are of the outermost role. */
export const outermost = (role: string): string => role.split('/', 1)[0] as string

export class LeaderBooks {
  readonly agents = new Map<AgentId, Agent>()
  readonly members = new Map<string, Member>()
  readonly offers = new Map<number, Offer>()
  readonly tasks = new Set<Holding>()
  /** Those with other than the defaults, and those that had others once. */
  readonly roles = new Map<string, RoleTerms>()
  /** By outermost role: what its tasks and offers hold, in thousandths by name. */
  readonly consumed = new Map<string, Map<string, number>>()
  nowMs = 0
  /** Never used twice, so that an agent which comes back is not taken for what it was. */
  #versions = 0
  readonly #changedRoles = new Set<string>()
  /** Agents and members whose first figure was said: what they are, too. */
  readonly #told = new Set<string>()
  readonly #changedAgents = new Set<AgentId>()
  readonly #changedMembers = new Map<string, Pick<Member, 'frameworkId' | 'role'>>()
  readonly #changedFilters = new Map<string, { member: Member; agentId: AgentId }>()
  readonly #answers: Figure<'answered'>['answers'] = []

  setRole(role: string, terms: Partial<RoleTerms>): void {
    this.roles.set(role, { ...(this.roles.get(role) ?? DEFAULTS), ...terms })
    this.#changedRoles.add(role)
  }

  addAgent(name: string, total: ResourceList, attributes: Attributes = []): void {
    const agentId = name as AgentId
    if (this.agents.has(agentId)) return
    const all = resourcesOf(total)
    this.agents.set(agentId, { agentId, total, all, attributes, version: 0, free: all })
    // It may have been away so shortly that nobody heard of it, and be another machine now.
    this.#told.delete(agentId)
    this.#touchAgent(agentId)
    // The allocator forgot what was declined of an agent that was away.
    for (const member of this.members.values()) {
      if (member.filters.has(agentId)) this.#touchFilter(member, agentId)
    }
  }

  /** With all that it held. */
  removeAgent(agentId: AgentId): void {
    if (!this.agents.delete(agentId)) return
    for (const holding of this.#holdings()) if (holding.agentId === agentId) this.#drop(holding)
    this.#touchAgent(agentId)
  }

  addMember(framework: string, role: string, terms: Terms = {}): Member {
    const key = `${framework} ${role}`
    const known = this.members.get(key)
    if (known !== undefined) return known
    const member: Member = {
      key,
      frameworkId: framework as FrameworkId,
      role,
      terms,
      suppressed: false,
      declinedLast: false,
      allocated: NO_RESOURCES,
      offers: 0,
      filters: new Map(),
    }
    this.members.set(key, member)
    // It may have left so shortly that nobody heard of it, and want something else now.
    this.#told.delete(key)
    this.#touchMember(member)
    return member
  }

  /** With all that it held. */
  removeMember(member: Member): void {
    if (!this.members.delete(member.key)) return
    for (const holding of this.#holdings()) if (holding.member === member) this.#drop(holding)
    // It may come back before anybody hears of it.
    for (const agentId of member.filters.keys()) this.#touchFilter(member, agentId)
    this.#touchMember(member)
  }

  setTerms(member: Member, terms: Terms): void {
    member.terms = terms
    this.#told.delete(member.key)
    this.#touchMember(member)
  }

  suppress(member: Member): void {
    member.suppressed = true
    this.#touchMember(member)
  }

  revive(member: Member): void {
    member.suppressed = false
    member.declinedLast = false
    for (const agentId of member.filters.keys()) this.#touchFilter(member, agentId)
    member.filters.clear()
    this.#touchMember(member)
  }

  /** Makes an offer of it; or says why not, and then it is refused. */
  hear(allocation: Allocation): Offer | string {
    const offer = this.#judge(allocation)
    const outcome = typeof offer === 'string' ? 'refused' : 'made'
    this.#answers.push({ allocation: allocation.allocation, outcome })
    if (typeof offer === 'string') {
      if (this.agents.has(allocation.agentId)) this.#changedAgents.add(allocation.agentId)
      return offer
    }
    const agent = this.agents.get(offer.agentId) as Agent
    agent.free = subtractResources(agent.free, offer.resources) as Resources
    offer.member.allocated = addResources(offer.member.allocated, scalarsOf(offer.resources))
    this.#consume(offer, 1)
    offer.member.offers += 1
    this.offers.set(offer.allocation, offer)
    this.#touchAgent(offer.agentId)
    this.#touchMember(offer.member)
    return offer
  }

  #judge({ allocation, agentId, frameworkId, role, resources: list }: Allocation): Offer | string {
    const agent = this.agents.get(agentId)
    const member = this.members.get(`${frameworkId} ${role}`)
    const resources = resourcesOf(list)
    if (agent === undefined) return 'no such agent'
    if (member === undefined) return 'no such member'
    if (member.suppressed) return 'it wants nothing'
    if (resources.size === 0) return 'nothing'
    if (!containsResources(agent.free, resources)) return 'more than is free'
    if (!this.#isWithinLimit(role, resources)) return 'more than the limit of its role'
    return { allocation, agentId, member, resources }
  }

  #isWithinLimit(role: string, more: Resources): boolean {
    const limit = this.roles.get(outermost(role))?.limit ?? {}
    const consumed = this.consumed.get(outermost(role))
    return [...more.values()].every(({ traits: { name }, amount }) => {
      const most = limit[name]
      if (most === undefined || amount.kind !== 'scalar') return true
      return (consumed?.get(name) ?? 0) + amount.thousandths <= toThousandths(most)
    })
  }

  #consume({ member, resources }: Holding, sign: 1 | -1): void {
    const role = outermost(member.role)
    const consumed = this.consumed.get(role) ?? new Map<string, number>()
    this.consumed.set(role, consumed)
    for (const { traits, amount } of resources.values()) {
      if (amount.kind !== 'scalar') continue
      consumed.set(traits.name, (consumed.get(traits.name) ?? 0) + sign * amount.thousandths)
    }
  }

  /** Part of it, or all, becomes a task; what is left is declined with the default filter. */
  accept(offer: Offer, used: Resources, forMs: number): Holding {
    this.#end(offer)
    offer.member.declinedLast = false
    const left = subtractResources(offer.resources, used)
    if (left === undefined) throw new Error('more is used than was offered')
    if (left.size > 0) this.#giveBack({ ...offer, resources: left }, forMs)
    const task = { agentId: offer.agentId, member: offer.member, resources: used }
    this.tasks.add(task)
    return task
  }

  decline(offer: Offer, forMs: number): void {
    this.#end(offer)
    offer.member.declinedLast = true
    this.#giveBack(offer, forMs)
  }

  /** What was offered is free again, and nobody declined it. */
  rescind(offer: Offer): void {
    this.#end(offer)
    this.#release(offer)
  }

  endTask(task: Holding): void {
    if (this.tasks.delete(task)) this.#release(task)
  }

  #holdings(): readonly Holding[] {
    return [...this.offers.values(), ...this.tasks]
  }

  #drop(holding: Holding): void {
    if (this.tasks.delete(holding)) this.#release(holding)
    else this.rescind(holding as Offer)
  }

  #end(offer: Offer): void {
    if (!this.offers.delete(offer.allocation)) throw new Error('the offer is over')
    offer.member.offers -= 1
    this.#touchMember(offer.member)
  }

  #giveBack(declined: Holding, forMs: number): void {
    const { agentId, member, resources } = declined
    this.#release(declined)
    this.setFilter(member, agentId, { resources, untilMs: this.nowMs + forMs })
  }

  /** In place of what it had declined there before. */
  setFilter(member: Member, agentId: AgentId, filter: Filter): void {
    member.filters.set(agentId, filter)
    this.#touchFilter(member, agentId)
  }

  #release(holding: Holding): void {
    const { agentId, member, resources } = holding
    this.#consume(holding, -1)
    const scalars = scalarsOf(resources)
    member.allocated = subtractResources(member.allocated, scalars) as Resources
    this.#touchMember(member)
    const agent = this.agents.get(agentId)
    if (agent === undefined) return
    agent.free = addResources(agent.free, resources)
    this.#touchAgent(agentId)
  }

  #touchAgent(agentId: AgentId): void {
    const agent = this.agents.get(agentId)
    this.#versions += 1
    if (agent !== undefined) agent.version = this.#versions
    this.#changedAgents.add(agentId)
  }

  #touchMember({ key, frameworkId, role }: Member): void {
    this.#changedMembers.set(key, { frameworkId, role })
  }

  #touchFilter(member: Member, agentId: AgentId): void {
    this.#changedFilters.set(`${member.key} ${agentId}`, { member, agentId })
  }

  /** What has changed since it was last asked, in the order in which a leader says it. */
  takeFigures(): readonly AllocatorFigure[] {
    const figures: AllocatorFigure[] = [
      ...[...this.#changedRoles].map((role) => this.#roleFigure(role)),
      ...[...this.#changedMembers].flatMap(([key, member]) => this.#memberFigures(key, member)),
      ...[...this.#changedAgents].flatMap((agentId) => this.#agentFigures(agentId)),
      ...[...this.#changedFilters.values()].map((changed) => this.#filterFigure(changed)),
    ]
    while (this.#answers.length > 0) {
      figures.push({ kind: 'answered', answers: this.#answers.splice(0, ANSWERS_MAX) })
    }
    this.#changedRoles.clear()
    this.#changedMembers.clear()
    this.#changedAgents.clear()
    this.#changedFilters.clear()
    return figures
  }

  /** All that there is, as an allocator hears it that has just opened its session. */
  allFigures(): readonly AllocatorFigure[] {
    for (const role of this.roles.keys()) this.#changedRoles.add(role)
    for (const member of this.members.values()) {
      this.#changedMembers.set(member.key, member)
      for (const agentId of member.filters.keys()) this.#touchFilter(member, agentId)
    }
    for (const agentId of this.agents.keys()) this.#changedAgents.add(agentId)
    this.#answers.length = 0
    this.#told.clear()
    return this.takeFigures()
  }

  #roleFigure(role: string): AllocatorFigure {
    return { kind: 'role', role, ...(this.roles.get(role) ?? DEFAULTS) }
  }

  #agentFigures(agentId: AgentId): readonly AllocatorFigure[] {
    const agent = this.agents.get(agentId)
    if (agent === undefined) {
      this.#told.delete(agentId)
      return [{ kind: 'agent-gone', agentId }]
    }
    const { version, total, free, attributes } = agent
    const figure = { kind: 'agent' as const, agentId, version, free: listResources(free) }
    if (this.#told.has(agentId)) return [figure]
    this.#told.add(agentId)
    return [{ kind: 'agent-info', agentId, hostname: agentId, attributes, total }, figure]
  }

  #memberFigures(
    key: string,
    { frameworkId, role }: Pick<Member, 'frameworkId' | 'role'>,
  ): readonly AllocatorFigure[] {
    const member = this.members.get(key)
    const who = { principal: PRINCIPAL, frameworkId, role }
    if (member === undefined) {
      this.#told.delete(key)
      return [{ kind: 'member-gone', ...who }]
    }
    const { suppressed, declinedLast, offers, terms } = member
    const allocated = listResources(member.allocated)
    const asked = { suppressed, allocated, declinedLast, offers }
    const figure = { kind: 'member' as const, ...who, ...asked }
    if (this.#told.has(key)) return [figure]
    this.#told.add(key)
    return [{ kind: 'member-terms', ...who, ...terms }, figure]
  }

  #filterFigure({ member, agentId }: { member: Member; agentId: AgentId }): AllocatorFigure {
    const { key, frameworkId, role } = member
    const filter = this.members.get(key)?.filters.get(agentId)
    const isLive = filter !== undefined && filter.untilMs > this.nowMs
    const declined = isLive
      ? [{ resources: listResources(filter.resources), forMs: filter.untilMs - this.nowMs }]
      : []
    return { kind: 'filter', principal: PRINCIPAL, frameworkId, role, agentId, declined }
  }
}
