/** What frameworks call: judged by its header, handled by its verb, answered once. */
import { type Refusal, refusal, retryOf } from '../../../protocol/errors.ts'
import type { AgentId, FrameworkKey, Launch, OfferId } from '../../../protocol/ids.ts'
import type { Decline, KillTask, ReadOutput } from '../../../protocol/schema/calls.ts'
import type { Message } from '../../../protocol/schema/messages.ts'
import type { OperatorReadUsage } from '../../../protocol/schema/operator.ts'
import type { FRAMEWORK_VERBS, FrameworkVerb } from '../../../protocol/subjects.ts'
import { isTerminal } from '../../../protocol/task-state.ts'
import { order, orderLater } from '../agents/agents.ts'
import { frameworkOf, wantedRoles } from '../books.ts'
import type { CallAnswer, Framework, Kill, Task } from '../entities.ts'
import { explainOwn } from '../explain/explaining.ts'
import { accept } from '../offers/accept.ts'
import { endOffer } from '../offers/offers.ts'
import { awaitsMore, mayBringTask, reconcile, reconcileTask } from '../reconcile.ts'
import { refuseChange } from '../registry.ts'
import { count } from '../state.ts'
import { type LeaderTurn, refuse } from '../turn.ts'
import { handOver, requestEnd } from './end.ts'
import { pingMsOf, refuseUnnamed } from './instances.ts'
import { isMeant } from './remembered-kills.ts'
import { revive, suppress } from './roles.ts'
import { giveAnswer, hearCall, rememberAnswer } from './session.ts'
import { type HashedSubscribe, subscribe, tornDown } from './subscribing.ts'
import { suppressionIsSaid, update } from './update.ts'

/** A call by its verb; the secret of `subscribe` was hashed at the edge. */
export type FrameworkCall = (
  | { readonly verb: 'subscribe'; readonly body: HashedSubscribe }
  | {
      [V in Exclude<FrameworkVerb, 'subscribe'>]: {
        readonly verb: V
        readonly body: Message<(typeof FRAMEWORK_VERBS)[V]>
      }
    }[Exclude<FrameworkVerb, 'subscribe'>]
) & {
  /** How long it was on the wire, if that is known. */
  readonly bytes?: number
}

type PlainCall = Exclude<FrameworkCall, { verb: 'subscribe' | 'complain' }>

export function frameworkCall(
  turn: LeaderTurn,
  ids: FrameworkKey,
  call: FrameworkCall,
  reply: string | undefined,
): void {
  count(turn.state, `calls-${call.verb}`)
  if (call.verb === 'subscribe') return subscribe(turn, ids, call.body, reply)
  // A framework's word raises no epoch: what it knows, agents and masters know too.
  if (call.verb === 'complain') return count(turn.state, 'complaints')
  const framework = frameworkOf(turn, ids)
  const unready = notReady(turn, framework)
  if (framework === undefined || unready !== undefined) {
    if (framework !== undefined && isWelcome(framework, call))
      return welcomeBack(turn, framework, reply)
    if (unready !== undefined) refuse(turn, reply, unready)
    return
  }
  const unnamed = refuseUnnamed(framework, call.verb, call.body)
  if (unnamed !== undefined) return refuse(turn, reply, unnamed)
  const heard = hearCall(turn, framework, call.body)
  if (heard !== 'new') {
    if ('ok' in heard) return giveAnswer(turn, reply, heard)
    return refuse(turn, reply, heard)
  }
  const done = handle(turn, framework, call, reply)
  if (done === 'later') return
  const given: CallAnswer =
    done !== undefined && 'code' in done
      ? { ok: false, refusal: done }
      : { ok: true, body: done ?? {} }
  // Not now: the same call may be answered otherwise.
  const isFinal = given.ok || retryOf(given.refusal) === 'never'
  if (isFinal) rememberAnswer(framework, call.body.call, given)
  giveAnswer(turn, reply, given)
}

function notReady(turn: LeaderTurn, framework: Framework | undefined): Refusal | undefined {
  const { state } = turn
  if (framework?.state === 'subscribed') return undefined
  if (framework?.state === 'ended') return tornDown(framework.key)
  if (framework?.state === 'away') {
    const seconds = (pingMsOf(turn, framework) * state.rules.frameworkPingsMissedMax) / 1_000
    const why = `it answered no ping for ${seconds} s; subscribe, or pong`
    return refusal('not-subscribed', `the framework is away: ${why}`)
  }
  return refusal('not-subscribed', 'subscribe first: this leader does not know the framework')
}

/**
 * It answers a ping without a session, and what it subscribed with is known. Which of several
 * instances that is, is not: they subscribe.
 */
function isWelcome({ state, secretHash, holder }: Framework, { verb, body }: PlainCall): boolean {
  const isSessionless = verb === 'pong' && body.session === undefined
  return isSessionless && state !== 'ended' && secretHash !== undefined && holder === undefined
}

/** Known from the registry, and it speaks: it is subscribed again as it was. */
function welcomeBack(turn: LeaderTurn, framework: Framework, reply: string | undefined): void {
  const { secretHash, name, failoverMs, terms } = framework
  if (secretHash === undefined) return
  const roles = wantedRoles(framework)
  const suppressed = roles.filter((role) => framework.roles.get(role)?.isSuppressed)
  const known = { secretHash, name, failoverMs, roles: [...roles], suppressed, ...terms }
  subscribe(turn, framework, known, reply)
}

function handle(
  turn: LeaderTurn,
  framework: Framework,
  call: PlainCall,
  reply: string | undefined,
): Refusal | object | 'later' | undefined {
  switch (call.verb) {
    case 'accept':
      return accept(turn, framework, call)
    case 'decline':
      decline(turn, framework, call.body)
      return undefined
    case 'revive':
    case 'suppress':
      wantOffers(turn, framework, call)
      return undefined
    case 'kill':
      kill(turn, framework, call.body)
      return undefined
    case 'reconcile':
      return reconcile(turn, framework, call.body)
    case 'pong':
      return undefined
    case 'hand-over':
      handOver(turn, framework)
      return undefined
    case 'explain':
      return explainOwn(turn, framework, reply)
    case 'update':
      return update(turn, framework, call.body, reply)
    case 'teardown': {
      const busy = refuseChange(turn, framework.key)
      if (busy === undefined) requestEnd(turn, framework, { reply, why: undefined })
      return busy ?? 'later'
    }
    case 'read-output':
      return readOutput(turn, framework, call.body)
  }
}

function wantOffers(
  turn: LeaderTurn,
  framework: Framework,
  { verb, body }: Extract<PlainCall, { verb: 'revive' | 'suppress' }>,
): void {
  const roles = body.roles ?? wantedRoles(framework)
  suppressionIsSaid(framework, roles, verb === 'suppress')
  if (verb === 'suppress') suppress(turn, framework, roles)
  else revive(turn, framework, roles)
}

function decline(turn: LeaderTurn, framework: Framework, call: Decline): void {
  for (const id of call.offers as OfferId[]) {
    if (framework.offers.has(id)) endOffer(turn, id, 'framework.decline', call)
    else count(turn.state, 'declines-of-lost-offers')
  }
}

/** The outcome is a status. A kill that an agent cannot hear now, or not yet, is remembered. */
export function kill(
  turn: LeaderTurn,
  framework: Framework,
  asked: Pick<KillTask, 'taskId' | 'agentId' | 'launch' | 'graceMs'>,
): void {
  const { taskId, agentId, graceMs } = asked
  const known = framework.tasks.all(taskId).filter((task) => isMeant(asked, task))
  const meant = known.filter((task) => agentId === undefined || task.agentId === agentId)
  for (const task of meant) killOne(turn, framework, task, { graceMs })
  const mayBeBrought =
    meant.length > 0
      ? agentId === undefined && awaitsMore(turn, framework)
      : mayBringTask(turn, agentId)
  if (mayBeBrought) framework.kills.add(asked, { graceMs })
  if (known.length === 0) reconcileTask(turn, framework, asked)
}

function killOne(turn: LeaderTurn, framework: Framework, task: Task, kill: Kill): void {
  if (isTerminal(task.state)) return
  task.kill = kill
  const agent = turn.leader.agents.get(task.agentId)
  const { principal, frameworkId } = framework
  const { graceMs } = kill
  const said = { kind: 'kill', principal, frameworkId, taskId: task.taskId } as const
  if (agent !== undefined)
    order(turn, agent, { ...said, ...(graceMs !== undefined && { graceMs }) })
}

/** Hands the question on to the agent, which publishes the output itself. */
export function readOutput(
  turn: LeaderTurn,
  { principal, frameworkId }: FrameworkKey,
  call: Omit<ReadOutput, 'session' | 'n' | 'call' | 'epoch'> & { readonly launch?: Launch },
): Refusal | undefined {
  const agent = turn.leader.agents.get(call.agentId)
  if (agent?.state !== 'registered') return refuseAbsent(turn, call.agentId)
  const { taskId, launch, stream, offset, bytesMax, waitMs, request } = call
  const which = launch === undefined ? {} : { launch }
  const what = { taskId, ...which, stream, offset, bytesMax, waitMs, request }
  order(turn, agent, { kind: 'send-output', principal, frameworkId, ...what })
  return undefined
}

/** Like output. */
export function readUsage(turn: LeaderTurn, call: OperatorReadUsage): Refusal | undefined {
  const agent = turn.leader.agents.get(call.agentId)
  if (agent?.state !== 'registered') return refuseAbsent(turn, call.agentId)
  const { agentId: _, ...asked } = call
  return orderLater(turn, agent, { kind: 'send-usage', ...asked })
}

/** `conflict`: nobody expects it soon. */
export function refuseAbsent({ leader: { agents, gone } }: LeaderTurn, agentId: AgentId): Refusal {
  if (gone.has(agentId)) return refusal('conflict', `agent ${agentId} was given up by an operator`)
  if (agents.get(agentId)?.state === 'unreachable')
    return refusal('conflict', `agent ${agentId} is unreachable`)
  return refusal('not-found', `agent ${agentId} is not registered here`)
}
