/** Frameworks that subscribe, answer pings, and change what they want. */
import { type Refusal, refusal } from '../../protocol/errors.ts'
import { type FrameworkKey, frameworkKey } from '../../protocol/ids.ts'
import { FRAMEWORK_FAILOVER_MS, FRAMEWORKS_MAX } from '../../protocol/limits.ts'
import type { Subscribe } from '../../protocol/schema/calls.ts'
import { commonVersion, PROTOCOL_VERSION } from '../../protocol/version.ts'
import { newSession } from '../parts/session.ts'
import { isEchoing, order } from './agents.ts'
import { frameworkOf, memberOf, touchMember, wantedRoles } from './books.ts'
import { isCrowded } from './crowding.ts'
import type { Framework } from './entities.ts'
import { clearFilters } from './filters.ts'
import {
  newFramework,
  requestEnd,
  scheduleFailover,
  schedulePing,
  stepFramework,
} from './framework-end.ts'
import { cutOff, rememberAnswer } from './framework-session.ts'
import { endOffer } from './offers.ts'
import { tellWorld } from './public-events.ts'
import { changesOf, record, refuseChange } from './registry.ts'
import type { SubscribeRequest } from './state.ts'
import { answer, type LeaderTurn, log, refuse } from './turn.ts'

/** What the shell makes of a subscribe call: the secret itself never gets here. */
export type HashedSubscribe = Omit<Subscribe, 'secret'> & { readonly secretHash: string }

/**
 * Refused: a burnt id, another secret, no common version. Else the registry first, if it must know.
 */
export function subscribe(
  turn: LeaderTurn,
  ids: FrameworkKey,
  body: HashedSubscribe,
  reply: string | undefined,
): void {
  const known = frameworkOf(turn, ids)
  const refused = refusalFor(known, body) ?? refusalForCrowd(turn, ids, known)
  if (refused !== undefined) return refuse(turn, reply, refused)
  if (known?.session !== undefined && known.session.id === body.session) {
    // A repeat of the open: had `subscribed` arrived, it would not be repeated. A ping shows the
    // gap.
    turn.leader.events.add(known.key, known, { kind: 'ping' })
    return answer(turn, reply, {})
  }
  const request: SubscribeRequest = {
    session: body.session,
    call: body.call,
    name: body.name,
    roles: body.roles ?? ['*'],
    suppressed: body.suppressed ?? [],
    failoverMs: body.failoverMs ?? FRAMEWORK_FAILOVER_MS,
    secretHash: body.secretHash,
    reply,
  }
  const key = frameworkKey(ids)
  // An earlier subscription, or its end, may be on its way to the registry: what came later waits.
  if (known !== undefined && isAsRecorded(known, request) && changesOf(turn, key) === 0) {
    return accept(turn, known, request)
  }
  const busy = refuseChange(turn, key)
  if (busy !== undefined) return refuse(turn, reply, busy)
  const { principal, frameworkId } = ids
  const { secretHash, name, failoverMs, roles } = request
  record(
    turn,
    { kind: 'framework', principal, frameworkId, secretHash, name, failoverMs, roles: [...roles] },
    { after: 'subscribe', key, request },
  )
}

/** Refuses what is over. */
export const tornDown = (key: string): Refusal =>
  refusal(
    'torn-down',
    `${key} was torn down; its id is free again when all its agents have confirmed`,
  )

function refusalFor(known: Framework | undefined, body: HashedSubscribe) {
  if (known?.state === 'ended') return tornDown(known.key)
  if (known?.secretHash !== undefined && known.secretHash !== body.secretHash) {
    return refusal('wrong-secret', `${known.key} was subscribed with another secret`)
  }
  if (commonVersion(body.version) !== undefined) return undefined
  return refusal('no-common-version', `this master speaks version ${PROTOCOL_VERSION} only`)
}

function refusalForCrowd(turn: LeaderTurn, { principal }: FrameworkKey, known?: Framework) {
  if (known !== undefined || !isCrowded(turn, principal)) return undefined
  return refusal('too-many', `${principal} has ${FRAMEWORKS_MAX} frameworks, and may have no more`)
}

function isAsRecorded(known: Framework, request: SubscribeRequest): boolean {
  const asked = new Set(request.roles)
  const recorded = wantedRoles(known)
  return (
    known.secretHash === request.secretHash &&
    known.name === request.name &&
    known.failoverMs === request.failoverMs &&
    recorded.length === asked.size &&
    recorded.every((role) => asked.has(role))
  )
}

/** The registry has it. A framework that ended, or got another secret, meanwhile is refused. */
export function subscriptionIsRecorded(
  turn: LeaderTurn,
  key: string,
  request: SubscribeRequest,
): void {
  const dot = key.indexOf('.')
  const ids = { principal: key.slice(0, dot), frameworkId: key.slice(dot + 1) } as FrameworkKey
  const known = turn.leader.frameworks.get(key)
  if (known?.state === 'ended') {
    return refuse(turn, request.reply, tornDown(key))
  }
  if (known?.secretHash !== undefined && known.secretHash !== request.secretHash) {
    const message = `${key} was subscribed with another secret`
    return refuse(turn, request.reply, refusal('wrong-secret', message))
  }
  // The open was repeated while the registry wrote: the first one counts.
  const isRepeat = known?.session !== undefined && known.session.id === request.session
  if (isRepeat) return answer(turn, request.reply, {})
  const framework = known ?? newFramework(ids, 'here')
  turn.leader.frameworks.set(key, framework)
  accept(turn, framework, request)
}

/** From here on the subscription counts, and every earlier one is over. */
function accept(turn: LeaderTurn, framework: Framework, request: SubscribeRequest): void {
  const { leader, state, now } = turn
  cutOff(turn, framework, 'failed-over', 'another instance has subscribed')
  if (!stepFramework(turn, framework, 'framework.subscribed')) return
  const { key, principal, frameworkId } = framework
  leader.deadlines.clear(`failover ${key}`)
  framework.name = request.name
  framework.secretHash = request.secretHash
  framework.failoverMs = request.failoverMs
  framework.session = request.session === undefined ? undefined : newSession(request.session)
  if (framework.session !== undefined) framework.session.heard = 1
  framework.heardAhead.clear()
  framework.answers.clear()
  framework.missed = 0
  framework.subscribedAtMs = now.wallMs
  framework.subscription = nextSubscription(leader.epoch, framework)
  setRoles(turn, framework, request)
  rememberAnswer(framework, request.call, { ok: true, body: {} })
  answer(turn, request.reply, {})
  leader.events.add(key, framework, {
    kind: 'subscribed',
    subscription: framework.subscription,
    master: state.masterId,
    version: PROTOCOL_VERSION,
    pingMs: state.rules.frameworkPingMs,
    pingsMissedMax: state.rules.frameworkPingsMissedMax,
    failoverMs: framework.failoverMs,
  })
  const subscription = { principal, frameworkId, subscription: framework.subscription }
  for (const agentId of agentsOf(framework)) {
    const agent = leader.agents.get(agentId)
    if (agent === undefined) continue
    order(turn, agent, { kind: 'framework-subscribed', ...subscription })
  }
  schedulePing(turn, framework)
  log(turn, 'a framework has subscribed', { framework: key, name: framework.name })
  tellWorld(turn, { kind: 'framework', what: 'subscribed', framework }, { name: framework.name })
}

function nextSubscription(epoch: number, { subscription }: Framework) {
  return { epoch, count: subscription?.epoch === epoch ? subscription.count + 1 : 1 }
}

function agentsOf(framework: Framework) {
  return new Set([...framework.tasks.values()].map((task) => task.agentId))
}

/** Offers of roles that it has left are rescinded; tasks there go on and are still counted. */
function setRoles(turn: LeaderTurn, framework: Framework, request: SubscribeRequest): void {
  const wanted = new Set(request.roles)
  for (const name of framework.roles.keys()) {
    if (!wanted.has(name)) leaveRole(turn, framework, name)
  }
  for (const name of wanted) {
    const role = memberOf(framework, name)
    role.isLeft = false
    role.isSuppressed = request.suppressed.includes(name)
    role.isDeclinedLast = false
    clearFilters(turn, framework, name)
    touchMember(turn, framework, name)
  }
}

function leaveRole(turn: LeaderTurn, framework: Framework, name: string): void {
  const role = memberOf(framework, name)
  role.isLeft = true
  for (const offerId of framework.offers) {
    if (turn.leader.offers.get(offerId)?.role !== name) continue
    endOffer(turn, offerId, 'framework.left-role')
  }
  if (role.allocated.size === 0) framework.roles.delete(name)
  touchMember(turn, framework, name)
}

/** A ping is due: the last one was answered, or it counts as missed. */
export function pingFramework(turn: LeaderTurn, framework: Framework): void {
  if (framework.state === 'ended') return
  if (isEchoing(turn, 'frameworks')) framework.missed += 1
  const isSilent = framework.missed > turn.state.rules.frameworkPingsMissedMax
  if (isSilent && framework.state !== 'away') stepFramework(turn, framework, 'framework.silent')
  turn.leader.events.add(framework.key, framework, { kind: 'ping' })
  schedulePing(turn, framework)
}

/** Its time is over. Whoever could not be heard is not ended: it has until it is pinged again. */
export function failoverIsOver(turn: LeaderTurn, framework: Framework): void {
  if (framework.state !== 'away') return
  if (isEchoing(turn, 'frameworks')) return requestEnd(turn, framework, undefined)
  scheduleFailover(turn, framework, turn.state.rules.frameworkPingMs)
}

/** Wants offers again: nothing that it declined counts. */
export function revive(turn: LeaderTurn, framework: Framework, roles: readonly string[]): void {
  for (const name of roles) {
    const role = framework.roles.get(name)
    if (role === undefined || role.isLeft) continue
    role.isSuppressed = false
    role.isDeclinedLast = false
    clearFilters(turn, framework, name)
    touchMember(turn, framework, name)
  }
}

/** Wants no offers; outstanding ones stay. */
export function suppress(turn: LeaderTurn, framework: Framework, roles: readonly string[]): void {
  for (const name of roles) {
    const role = framework.roles.get(name)
    if (role === undefined || role.isLeft) continue
    role.isSuppressed = true
    touchMember(turn, framework, name)
  }
}
