/**
 * A framework changes what it subscribed with: all of it, or nothing. The registry first, if it
 * must know; while another change of the framework is on its way there, an update waits.
 */
import assert from 'node:assert/strict'
import { type Refusal, refusal, retryOf } from '../../../protocol/errors.ts'
import type { UpdateFramework } from '../../../protocol/schema/calls.ts'
import { isSameValue } from '../../parts/same-value.ts'
import { wantedRoles } from '../books.ts'
import type { CallAnswer, Framework, UpdateRequest } from '../entities.ts'
import { tellWorld } from '../public-events.ts'
import { changesOf, record } from '../registry.ts'
import type { Updated } from '../state.ts'
import { type LeaderTurn, log } from '../turn.ts'
import { refuseLease } from './instances.ts'
import { leaveOthers, revive, suppress, takeRole } from './roles.ts'
import { giveAnswer, rememberAnswer } from './session.ts'
import { frameworkRecord, isAsRecorded, tornDown } from './subscribing.ts'
import { pickTerms, refusalOfTerms, setTerms, termsIn } from './terms.ts'

/** Updates of one framework that may wait for the registry. */
const UPDATES_MAX = 4

/** `later`: it is answered when the registry has it. */
export function update(
  turn: LeaderTurn,
  framework: Framework,
  body: UpdateFramework,
  reply: string | undefined,
): Refusal | 'later' | undefined {
  const { key, updates, session } = framework
  const isRepeat = updates.some(({ body: { call } }) => call !== undefined && call === body.call)
  if (isRepeat) return 'later'
  if (updates.length >= UPDATES_MAX) {
    return refusal('too-many', `${UPDATES_MAX} updates of ${key} wait for the registry`)
  }
  const request = { body, session: session?.id, reply, saidSince: new Map() }
  const done = changesOf(turn, key) > 0 ? 'later' : begin(turn, framework, request)
  if (done === 'later') framework.updates = [...updates, request]
  return done
}

/** Judged by what the framework is by now. */
function begin(
  turn: LeaderTurn,
  framework: Framework,
  request: UpdateRequest,
): Refusal | 'later' | undefined {
  const wanted = wantedOf(framework, request.body)
  const { principal } = framework
  const refused =
    refuseLease(framework.holder, wanted.failoverMs) ??
    refusalOfTerms(turn, { principal, ...wanted }, framework)
  if (refused !== undefined) return refused
  if (isAsRecorded(framework, wanted)) {
    const suppressed = suppressedNow(framework, request, wanted.roles)
    apply(turn, framework, { ...wanted, suppressed })
    return undefined
  }
  const after = { after: 'update', key: framework.key, request, wanted } as const
  record(turn, frameworkRecord(framework, wanted), after)
  return 'later'
}

/** A later call than the updates that wait says so. */
export function suppressionIsSaid(
  framework: Framework,
  roles: readonly string[],
  isSuppressed: boolean,
): void {
  for (const { body, saidSince } of framework.updates) {
    for (const role of roles) {
      const isMeant = framework.roles.has(role) || body.roles?.includes(role)
      if (isMeant) saidSince.set(role, isSuppressed)
    }
  }
}

/** What is absent stays; of what was said of offers for a role that is left, nothing does. */
function wantedOf(framework: Framework, body: UpdateFramework): Updated {
  const { secretHash } = framework
  assert(secretHash !== undefined, 'whoever has subscribed has a secret')
  const roles = [...new Set(body.roles ?? wantedRoles(framework))]
  const { capabilities, constraints, minAllocatable } = termsIn(framework.terms, roles)
  return {
    secretHash,
    name: body.name ?? framework.name,
    failoverMs: body.failoverMs ?? framework.failoverMs,
    roles,
    suppressed: body.suppressed ?? suppressedOf(framework).filter((role) => roles.includes(role)),
    holder: framework.holder,
    terms: pickTerms({
      capabilities: body.capabilities ?? capabilities,
      constraints: body.constraints ?? constraints,
      minAllocatable: body.minAllocatable ?? minAllocatable,
    }),
  }
}

const suppressedOf = (framework: Framework): readonly string[] =>
  wantedRoles(framework).filter((role) => framework.roles.get(role)?.isSuppressed)

/** The registry has it. Whoever has ended meanwhile is not changed any more. */
export function updateIsRecorded(
  turn: LeaderTurn,
  framework: Framework | undefined,
  { request, wanted }: { readonly request: UpdateRequest; readonly wanted: Updated },
): void {
  if (framework === undefined) return
  if (framework.state === 'ended') return finish(turn, framework, request, tornDown(framework.key))
  apply(turn, framework, { ...wanted, suppressed: suppressedNow(framework, request, wanted.roles) })
  finish(turn, framework, request, undefined)
  updatesGoOn(turn, framework)
}

/** The registry knows nothing of it, so that it may have changed while that wrote. */
function suppressedNow(
  framework: Framework,
  { body, saidSince }: UpdateRequest,
  roles: readonly string[],
): readonly string[] {
  const said = new Set(body.suppressed ?? suppressedOf(framework))
  return roles.filter((role) => saidSince.get(role) ?? said.has(role))
}

/** A change has been written: the updates that waited for it have their turn. */
export function updatesGoOn(turn: LeaderTurn, framework: Framework | undefined): void {
  if (framework === undefined) return
  while (changesOf(turn, framework.key) === 0) {
    const [next] = framework.updates
    if (next === undefined) return
    const done = voidness(framework, next) ?? begin(turn, framework, next)
    if (done !== 'later') finish(turn, framework, next, done)
  }
}

function voidness({ state, key, session }: Framework, next: UpdateRequest): Refusal | undefined {
  if (state === 'ended') return tornDown(key)
  if (session?.id === next.session) return undefined
  return refusal('stale-session', 'another session of this framework has been opened')
}

function finish(
  turn: LeaderTurn,
  framework: Framework,
  request: UpdateRequest,
  refused: Refusal | undefined,
): void {
  framework.updates = framework.updates.filter((other) => other !== request)
  const given: CallAnswer =
    refused === undefined ? { ok: true, body: {} } : { ok: false, refusal: refused }
  if (given.ok || retryOf(given.refusal) === 'never')
    rememberAnswer(framework, request.body.call, given)
  giveAnswer(turn, request.reply, given)
}

/** Nobody hears of an update that changes nothing. */
function apply(turn: LeaderTurn, framework: Framework, wanted: Updated): void {
  const { key } = framework
  const changed = changesIn(framework, wanted)
  if (changed.length === 0) return
  framework.name = wanted.name
  framework.failoverMs = wanted.failoverMs
  setTerms(turn, framework, wanted.terms)
  changeRoles(turn, framework, wanted)
  const message = changed.join(', ')
  log(turn, 'a framework has changed', { framework: key, what: message })
  tellWorld(turn, { kind: 'framework', what: 'updated', framework }, { name: wanted.name, message })
}

/** The names of what becomes another. */
function changesIn(framework: Framework, wanted: Updated): readonly string[] {
  const { name, failoverMs, terms } = framework
  const [roles, suppressed] = [wantedRoles(framework), suppressedOf(framework)]
  const before = fieldsOf({ name, failoverMs, roles, suppressed, terms })
  const after = fieldsOf(wanted)
  return Object.keys(after).filter(
    (field) => !isSameValue(before[field as keyof Fields], after[field as keyof Fields]),
  )
}

type Fields = ReturnType<typeof fieldsOf>

function fieldsOf({
  name,
  failoverMs,
  roles,
  suppressed,
  terms,
}: Omit<Updated, 'secretHash' | 'holder'>) {
  const { capabilities, constraints, minAllocatable } = terms
  const sets = { roles: [...roles].sort(), suppressed: [...suppressed].sort() }
  return { name, failoverMs, ...sets, capabilities, constraints, minAllocatable }
}

/** Offers of roles that stay, stay. */
function changeRoles(turn: LeaderTurn, framework: Framework, wanted: Updated): void {
  const { roles, suppressed } = wanted
  const before = new Set(wantedRoles(framework))
  const wereSuppressed = new Set(suppressedOf(framework))
  leaveOthers(turn, framework, roles)
  for (const role of roles) if (!before.has(role)) takeRole(turn, framework, role)
  const isNew = (role: string): boolean => suppressed.includes(role) !== wereSuppressed.has(role)
  suppress(turn, framework, suppressed.filter(isNew))
  const revived = roles.filter((role) => !suppressed.includes(role) && isNew(role))
  revive(turn, framework, revived)
}
