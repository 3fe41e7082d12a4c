/** Frameworks that subscribe, answer pings, and change what they want. */
import { type Refusal, refusal } from '../../../protocol/errors.ts'
import { type FrameworkKey, frameworkKey } from '../../../protocol/ids.ts'
import { FRAMEWORK_FAILOVER_MS, FRAMEWORKS_MAX } from '../../../protocol/limits.ts'
import type { Subscribe } from '../../../protocol/schema/calls.ts'
import type { Subscription } from '../../../protocol/schema/common.ts'
import type { RegistryRecord } from '../../../protocol/schema/master.ts'
import { commonVersion, PROTOCOL_VERSION } from '../../../protocol/version.ts'
import { isSameValue } from '../../parts/same-value.ts'
import { newSession } from '../../parts/session.ts'
import { isEchoing, order } from '../agents/agents.ts'
import { frameworkOf, wantedRoles } from '../books.ts'
import type { Framework, Terms } from '../entities.ts'
import { lastLaunch } from '../offers/launching.ts'
import { tellWorld } from '../public-events.ts'
import { changesOf, record, refuseChange } from '../registry.ts'
import type { Leader, Recorded, SubscribeRequest } from '../state.ts'
import { answer, type LeaderTurn, log, refuse } from '../turn.ts'
import { isCrowded } from './crowding.ts'
import { newFramework, requestEnd, scheduleFailover, schedulePing, stepFramework } from './end.ts'
import { holderOf, instanceFields, pingMsOf, refuseInstance } from './instances.ts'
import { setRoles } from './roles.ts'
import { cutOff, rememberAnswer } from './session.ts'
import { pickTerms, refusalOfTerms, setTerms } from './terms.ts'

/** What the shell makes of a subscribe call: the secret itself never gets here. */
export type HashedSubscribe = Omit<Subscribe, 'secret' | keyof Terms> &
  Terms & { readonly secretHash: string }

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
  const { roles = ['*'], suppressed = [] } = body
  const terms = pickTerms(body)
  const refused =
    refusalFor(known, body) ??
    refusalOfForgotten(turn, ids, body) ??
    refusalForCrowd(turn, ids, known) ??
    refuseInstance(turn, known, { ...body, key: frameworkKey(ids) }) ??
    refusalOfTerms(turn, { principal: ids.principal, roles, suppressed, terms }, known)
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
    isKnown: known !== undefined || body.known === true,
    roles,
    suppressed,
    failoverMs: body.failoverMs ?? FRAMEWORK_FAILOVER_MS,
    terms,
    holder: holderOf(body),
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
  record(turn, frameworkRecord(ids, request), { after: 'subscribe', key, request })
}

/** What survives a leader. */
export function frameworkRecord(
  { principal, frameworkId }: FrameworkKey,
  { secretHash, name, failoverMs, roles, terms, holder }: Recorded,
): RegistryRecord {
  const of = instanceFields(holder)
  const own = { secretHash, name, failoverMs, roles: [...roles], ...of, ...terms }
  return { kind: 'framework', principal, frameworkId, ...own }
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

/** It was there, as the sender knows, and is no more. */
function refusalOfForgotten(
  turn: LeaderTurn,
  ids: FrameworkKey,
  { known = false, epoch = 0 }: Pick<Subscribe, 'known' | 'epoch'>,
): Refusal | undefined {
  if (!known || frameworkOf(turn, ids) !== undefined) return undefined
  const key = frameworkKey(ids)
  // What another leader has written since, this one has not read.
  if (epoch > turn.leader.epoch)
    return refusal('stale', `epoch ${epoch} is not ${turn.leader.epoch}, which leads`)
  // It may be about to be written that it is there.
  if (changesOf(turn, key) > 0) return undefined
  return refusal('torn-down', `${key} is no more: torn down, or away for longer than its failover`)
}

function refusalForCrowd(turn: LeaderTurn, { principal }: FrameworkKey, known?: Framework) {
  if (known !== undefined || !isCrowded(turn, principal)) return undefined
  return refusal('too-many', `${principal} has ${FRAMEWORKS_MAX} frameworks, and may have no more`)
}

/** What the registry holds of a framework is what it would be told. */
export function isAsRecorded(known: Framework, wanted: Recorded): boolean {
  const asked = new Set(wanted.roles)
  const recorded = wantedRoles(known)
  return (
    known.secretHash === wanted.secretHash &&
    known.name === wanted.name &&
    known.failoverMs === wanted.failoverMs &&
    isSameValue(known.holder, wanted.holder) &&
    recorded.length === asked.size &&
    recorded.every((role) => asked.has(role)) &&
    isSameValue(known.terms, wanted.terms)
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
  const isOver = known === undefined ? request.isKnown : known.state === 'ended'
  if (isOver) return refuse(turn, request.reply, tornDown(key))
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
  const { instance } = instanceFields(request.holder)
  const message = 'another instance has subscribed'
  cutOff(turn, framework, { name: 'failed-over', message, ...(instance && { instance }) })
  if (!stepFramework(turn, framework, 'framework.subscribed')) return
  const { key, principal, frameworkId } = framework
  leader.deadlines.clear(`failover ${key}`)
  framework.name = request.name
  framework.secretHash = request.secretHash
  framework.failoverMs = request.failoverMs
  setTerms(turn, framework, request.terms)
  framework.session = request.session === undefined ? undefined : newSession(request.session)
  if (framework.session !== undefined) framework.session.heard = 1
  framework.heardAhead.clear()
  framework.answers.clear()
  framework.missed = 0
  framework.holder = request.holder
  framework.heardAtMs = now.monotonicMs
  framework.subscribedAtMs = now.wallMs
  framework.subscription = nextSubscription(leader, framework)
  setRoles(turn, framework, request)
  rememberAnswer(framework, request.call, { ok: true, body: {} })
  answer(turn, request.reply, {})
  leader.events.add(key, framework, {
    kind: 'subscribed',
    subscription: framework.subscription,
    master: state.masterId,
    version: PROTOCOL_VERSION,
    pingMs: pingMsOf(turn, framework),
    pingsMissedMax: state.rules.frameworkPingsMissedMax,
    failoverMs: framework.failoverMs,
    lastLaunch: lastLaunch(turn),
  })
  const subscription = { principal, frameworkId, subscription: framework.subscription }
  for (const agentId of agentsOf(framework)) {
    const agent = leader.agents.get(agentId)
    if (agent === undefined) continue
    order(turn, agent, { kind: 'framework-subscribed', ...subscription })
  }
  schedulePing(turn, framework)
  const by = instance === undefined ? {} : { message: `its instance ${instance}` }
  const { name } = framework
  log(turn, 'a framework has subscribed', { framework: key, name, ...(instance && { instance }) })
  tellWorld(turn, { kind: 'framework', what: 'subscribed', framework }, { name, ...by })
}

/**
 * Of one framework they follow each other: so an instance sees that no other one had it meanwhile.
 * Who begins, perhaps anew, is above all that agents may bring of an earlier life under its id.
 */
function nextSubscription(leader: Leader, { subscription }: Framework): Subscription {
  const { subscriptionCountMax } = leader
  const count = (subscription?.count ?? subscriptionCountMax) + 1
  leader.subscriptionCountMax = Math.max(subscriptionCountMax, count)
  return { epoch: leader.epoch, count }
}

function agentsOf(framework: Framework) {
  return new Set([...framework.tasks.values()].map((task) => task.agentId))
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
  // Its return, or another change, may be on its way to the registry: it was in time.
  if (isEchoing(turn, 'frameworks') && changesOf(turn, framework.key) === 0) {
    return requestEnd(turn, framework, { reply: undefined, why: 'its failover time was over' })
  }
  scheduleFailover(turn, framework, turn.state.rules.frameworkPingMs)
}
