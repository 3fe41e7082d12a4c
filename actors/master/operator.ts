/** What operators ask: listings in pages, and the few things that they may do to others' tasks. */
import { type Refusal, refusal } from '../../protocol/errors.ts'
import type { AgentId, Principal } from '../../protocol/ids.ts'
import { LISTING_ITEMS_MAX } from '../../protocol/limits.ts'
import { addResources, listResources, NO_RESOURCES } from '../../protocol/resources.ts'
import type { Message } from '../../protocol/schema/messages.ts'
import type {
  AgentItem,
  FrameworkItem,
  Listing,
  MasterReport,
  OfferItem,
  OperatorKill,
  OperatorReadOutput,
  OperatorTeardown,
} from '../../protocol/schema/operator.ts'
import type { OPERATOR_VERBS, OperatorVerb } from '../../protocol/subjects.ts'
import { agentOf } from './agents/agents.ts'
import { markGone } from './agents/gone.ts'
import { frameworkOf, heldAt, wantedRoles } from './books.ts'
import { type Agent, type Framework, newAgent, type Offer, type Task } from './entities.ts'
import { agentStateOf } from './explain/books.ts'
import { explain } from './explain/explaining.ts'
import { kill, readOutput, readUsage } from './frameworks/calls.ts'
import { requestEnd } from './frameworks/end.ts'
import { quarantined } from './lead/claims.ts'
import { standbys } from './lead/peer-beats.ts'
import { page } from './listing.ts'
import { refuseChange } from './registry.ts'
import { changeRoles } from './roles/changes.ts'
import { listRoles } from './roles/listing.ts'
import { findSandboxes, readSandbox } from './sandboxes.ts'
import { count } from './state.ts'
import { taskItem } from './tasks.ts'
import { answer, type LeaderTurn, refuse } from './turn.ts'

export type OperatorCall = {
  [V in OperatorVerb]: { readonly verb: V; readonly body: Message<(typeof OPERATOR_VERBS)[V]> }
}[OperatorVerb]

/** Who asks, and where the answer goes. */
interface Caller {
  readonly principal: Principal
  readonly reply: string | undefined
}

export function operatorCall(
  turn: LeaderTurn,
  { call, principal, reply }: Caller & { readonly call: OperatorCall },
): void {
  count(turn.state, `operator-${call.verb}`)
  const done = handle(turn, call, { principal, reply })
  if (done === 'later') return
  if ('code' in done) refuse(turn, reply, done)
  else answer(turn, reply, done)
}

function handle(
  turn: LeaderTurn,
  call: OperatorCall,
  { principal, reply }: Caller,
): object | Refusal | 'later' {
  const { leader } = turn
  switch (call.verb) {
    case 'agents':
      return page(
        call.body,
        agentIds(leader),
        (agentId) => agentId,
        (agentId) => agentItem(turn, agentId),
      )
    case 'frameworks':
      return page(call.body, leader.frameworks.values(), ({ key }) => key, frameworkItem)
    case 'offers':
      return page(
        call.body,
        leader.offers.values(),
        ({ offerId }) => offerId,
        (offer) => offerItem(turn, offer),
      )
    case 'tasks':
      return tasks(turn, call.body)
    case 'master':
      return masterReport(turn)
    case 'kill':
      return killTask(turn, call.body)
    case 'teardown':
      return teardown(turn, call.body, reply)
    case 'mark-gone':
      return markGone(turn, call.body.agentId, { principal, reply })
    case 'read-output':
      return output(turn, call.body)
    case 'read-sandbox':
      return readSandbox(turn, call.body)
    case 'find-sandboxes':
      return findSandboxes(turn, call.body)
    case 'read-usage':
      return readUsage(turn, call.body) ?? {}
    case 'explain':
      return explain(turn, call.body, reply)
    case 'roles':
      return listRoles(leader, call.body)
    case 'set-quotas':
    case 'set-weights':
      return changeRoles(turn, { ...call, principal, reply })
  }
}

/** Those that operators gave up are listed, too, until they are forgotten. */
function* agentIds({ agents, gone }: LeaderTurn['leader']): Iterable<AgentId> {
  for (const agentId of agents.keys()) if (!gone.has(agentId)) yield agentId
  yield* gone.keys()
}

function agentItem(turn: LeaderTurn, agentId: AgentId): AgentItem {
  const isGone = turn.leader.gone.has(agentId)
  // What it had is over, for whoever looks.
  const agent = isGone ? newAgent(agentId) : agentOf(turn, agentId)
  const { info, tasks, registeredAtMs } = agent
  const sinceMs = isGone ? turn.leader.gone.get(agentId) : agentSinceMs(agent)
  let offered = NO_RESOURCES
  for (const id of agent.offers) {
    offered = addResources(offered, turn.leader.offers.get(id)?.resources ?? NO_RESOURCES)
  }
  return {
    agentId,
    ...(info !== undefined && { hostname: info.hostname }),
    state: isGone ? 'gone' : agentStateOf(agent),
    total: listResources(agent.total),
    used: listResources(heldAt(agent)),
    offered: listResources(offered),
    tasks: tasks.size,
    attributes: info?.attributes ?? [],
    ...(registeredAtMs !== undefined && { registeredAtMs }),
    ...(sinceMs !== undefined && { sinceMs }),
  }
}

/** A session that is lost and opened anew in a moment is no news. */
function agentSinceMs({ state, registeredAtMs, unreachableAtMs, changedAtMs }: Agent) {
  if (state === 'registered') return registeredAtMs
  return state === 'unreachable' ? unreachableAtMs : changedAtMs
}

function frameworkItem(framework: Framework): FrameworkItem {
  const { principal, frameworkId, name, state, tasks, offers, subscribedAtMs } = framework
  const { changedAtMs, holder } = framework
  const sinceMs = state === 'subscribed' ? subscribedAtMs : changedAtMs
  const roles = wantedRoles(framework)
  let used = NO_RESOURCES
  for (const task of tasks.values()) if (task.isHeld) used = addResources(used, task.resources)
  return {
    principal,
    frameworkId,
    name,
    state: state === 'unknown' ? 'recovered' : state,
    roles: [...roles],
    suppressed: roles.filter((role) => framework.roles.get(role)?.isSuppressed),
    tasks: tasks.size,
    offers: offers.size,
    used: listResources(used),
    ...(subscribedAtMs !== undefined && { subscribedAtMs }),
    ...(sinceMs !== undefined && { sinceMs }),
    ...(holder !== undefined && { instance: holder.instance }),
  }
}

function offerItem(turn: LeaderTurn, offer: Offer): OfferItem {
  const { principal, frameworkId } = offer.framework
  return {
    offerId: offer.offerId,
    principal,
    frameworkId,
    role: offer.role,
    agentId: offer.agentId,
    resources: listResources(offer.resources),
    ageMs: Math.round(turn.now.monotonicMs - offer.madeAtMs),
  }
}

/** Tasks that have not ended, and those that have lately. */
function tasks(turn: LeaderTurn, listing: Listing): object {
  return page(listing, tasksBehind(turn.leader, listing), taskKey, (task) => taskItem(turn, task))
}

/**
 * Without those of frameworks whose tasks all stand before `after`, or behind as many as a page
 * takes.
 */
function* tasksBehind(leader: LeaderTurn['leader'], listing: Listing): Iterable<Task> {
  const { after = '', prefix = '' } = listing
  yield* leader.ended.values()
  const frameworks: { readonly start: string; readonly tasks: Framework['tasks'] }[] = []
  for (const { key, tasks } of leader.frameworks.values()) {
    // As their tasks are ordered, whose keys go on with the dot; it is followed by a slash.
    if (`${key}/` > after) frameworks.push({ start: `${key}.`, tasks })
  }
  frameworks.sort((a, b) => (a.start < b.start ? -1 : 1))
  let wanted = LISTING_ITEMS_MAX
  for (const { start, tasks } of frameworks) {
    if (wanted < 0) return
    yield* tasks.values()
    if (prefix === '' && start > after) wanted -= tasks.size
  }
}

/** A launch makes the key unique: a task id may come again. */
function taskKey({ framework, taskId, launch }: Task): string {
  return `${framework.key}.${taskId}.${launch}`
}

function masterReport(turn: LeaderTurn): MasterReport {
  const { leader, state } = turn
  let [frameworks, tasks] = [0, 0]
  const shut = quarantined(turn)
  for (const framework of leader.frameworks.values()) {
    // One that has ended stays until its agents have confirmed it.
    if (framework.state !== 'ended') frameworks += 1
    tasks += framework.tasks.size
  }
  return {
    master: state.masterId,
    epoch: leader.epoch,
    leadsSinceMs: leader.sinceWallMs,
    agents: leader.agents.size,
    frameworks,
    tasks,
    offers: leader.offers.size,
    standbys: standbys(turn),
    ...(leader.allocator?.policy !== undefined && { policy: leader.allocator.policy }),
    ...(shut.length > 0 && { quarantined: shut }),
    counters: Object.fromEntries(state.counters),
  }
}

function killTask(turn: LeaderTurn, body: OperatorKill): object | Refusal {
  const framework = frameworkOf(turn, body)
  if (framework === undefined || !framework.tasks.has(body.taskId)) {
    return refusal('not-found', `no task ${body.taskId} of ${body.frameworkId} runs`)
  }
  const { taskId, graceMs } = body
  kill(turn, framework, { taskId, ...(graceMs !== undefined && { graceMs }) })
  return {}
}

function teardown(
  turn: LeaderTurn,
  body: OperatorTeardown,
  reply: string | undefined,
): Refusal | 'later' {
  const framework = frameworkOf(turn, body)
  if (framework === undefined || framework.state === 'ended') {
    return refusal('not-found', `no framework ${body.frameworkId} of ${body.principal}`)
  }
  const busy = refuseChange(turn, framework.key)
  if (busy === undefined) requestEnd(turn, framework, { reply, why: 'an operator tore it down' })
  return busy ?? 'later'
}

function output(turn: LeaderTurn, body: OperatorReadOutput): object | Refusal {
  return readOutput(turn, body, body) ?? {}
}
