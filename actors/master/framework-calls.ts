/** What frameworks call: judged by its header, handled by its verb, answered once. */
import { type Refusal, refusal } from '../../protocol/errors.ts'
import type { FrameworkKey, OfferId } from '../../protocol/ids.ts'
import type { KillTask, ReadOutput } from '../../protocol/schema/calls.ts'
import type { Message } from '../../protocol/schema/messages.ts'
import type { FRAMEWORK_VERBS, FrameworkVerb } from '../../protocol/subjects.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { accept } from './accept.ts'
import { order } from './agents.ts'
import { frameworkOf } from './books.ts'
import { requestEnd } from './framework-end.ts'
import { giveAnswer, hearCall, rememberAnswer } from './framework-session.ts'
import { type HashedSubscribe, revive, subscribe, suppress } from './frameworks.ts'
import { endOffer } from './offers.ts'
import { reconcile, reconcileTask } from './reconcile.ts'
import { count, type Framework } from './state.ts'
import { type LeaderTurn, refuse } from './turn.ts'

/** A call by its verb; the secret of `subscribe` was hashed at the edge. */
export type FrameworkCall =
  | { readonly verb: 'subscribe'; readonly body: HashedSubscribe }
  | {
      [V in Exclude<FrameworkVerb, 'subscribe'>]: {
        readonly verb: V
        readonly body: Message<(typeof FRAMEWORK_VERBS)[V]>
      }
    }[Exclude<FrameworkVerb, 'subscribe'>]

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
  const unready = notReady(framework)
  if (framework === undefined || unready !== undefined) {
    // Whoever answers a ping without a session only has to be told that it counts.
    if (call.verb === 'pong' && framework !== undefined) return welcomeBack(turn, framework)
    if (unready !== undefined) refuse(turn, reply, unready)
    return
  }
  const heard = hearCall(turn, framework, call.body)
  if (heard !== 'new') {
    if ('ok' in heard) return giveAnswer(turn, reply, heard)
    count(turn.state, `refused-${heard.name}`)
    return refuse(turn, reply, heard)
  }
  const refused = handle(turn, framework, call, reply)
  if (refused === 'later') return
  const given =
    refused === undefined ? { ok: true as const } : { ok: false as const, refusal: refused }
  rememberAnswer(framework, call.body.call, given)
  giveAnswer(turn, reply, given)
}

function notReady(framework: Framework | undefined): Refusal | undefined {
  if (framework?.state === 'subscribed') return undefined
  if (framework?.state === 'ended') return refusal('torn-down', `${framework.key} was torn down`)
  return refusal('not-subscribed', 'subscribe first: this leader does not know the framework')
}

/** Known from the registry or by its tasks, and it speaks: it is subscribed again as it was. */
function welcomeBack(turn: LeaderTurn, framework: Framework): void {
  const { secretHash, name, failoverMs, roles } = framework
  if (framework.state === 'ended' || secretHash === undefined) return
  const suppressed = [...roles].flatMap(([role, { isSuppressed }]) => (isSuppressed ? [role] : []))
  const terms = { secretHash, name, failoverMs, roles: [...roles.keys()], suppressed }
  subscribe(turn, framework, terms, undefined)
}

function handle(
  turn: LeaderTurn,
  framework: Framework,
  call: Exclude<FrameworkCall, { verb: 'subscribe' | 'complain' }>,
  reply: string | undefined,
): Refusal | 'later' | undefined {
  switch (call.verb) {
    case 'accept':
      return accept(turn, framework, call.body)
    case 'decline':
      decline(turn, framework, call.body.offers, call.body.refuseMs)
      return undefined
    case 'revive':
      revive(turn, framework, call.body.roles ?? [...framework.roles.keys()])
      return undefined
    case 'suppress':
      suppress(turn, framework, call.body.roles ?? [...framework.roles.keys()])
      return undefined
    case 'kill':
      kill(turn, framework, call.body)
      return undefined
    case 'reconcile':
      reconcile(turn, framework, call.body)
      return undefined
    case 'pong':
      return undefined
    case 'teardown':
      requestEnd(turn, framework, reply)
      return 'later'
    case 'read-output':
      return readOutput(turn, framework, call.body)
  }
}

function decline(
  turn: LeaderTurn,
  framework: Framework,
  offers: readonly string[],
  refuseMs: number | undefined,
): void {
  for (const id of offers as OfferId[]) {
    if (framework.offers.has(id)) endOffer(turn, id, 'framework.decline', refuseMs)
    else count(turn.state, 'declines-of-lost-offers')
  }
}

/** The outcome is a status. A kill that its agent cannot hear now is remembered. */
export function kill(
  turn: LeaderTurn,
  framework: Framework,
  { taskId, agentId, graceMs }: Pick<KillTask, 'taskId' | 'agentId' | 'graceMs'>,
): void {
  const task = framework.tasks.get(taskId)
  if (task === undefined) return reconcileTask(turn, framework, taskId, agentId)
  if (agentId !== undefined && agentId !== task.agentId) return
  if (isTerminal(task.state)) return
  task.kill = { graceMs }
  const agent = turn.leader.agents.get(task.agentId)
  const { principal, frameworkId } = framework
  const said = { kind: 'kill', principal, frameworkId, taskId } as const
  if (agent !== undefined)
    order(turn, agent, { ...said, ...(graceMs !== undefined && { graceMs }) })
}

/** Hands the question on to the agent, which publishes the output itself. */
export function readOutput(
  turn: LeaderTurn,
  { principal, frameworkId }: FrameworkKey,
  call: Omit<ReadOutput, 'session' | 'n' | 'call' | 'epoch'>,
): Refusal | undefined {
  const agent = turn.leader.agents.get(call.agentId)
  if (agent?.state !== 'registered') {
    return refusal('not-found', `agent ${call.agentId} is not registered here`)
  }
  const { taskId, stream, offset, bytesMax, waitMs, request } = call
  const what = { taskId, stream, offset, bytesMax, waitMs, request }
  order(turn, agent, { kind: 'send-output', principal, frameworkId, ...what })
  return undefined
}
