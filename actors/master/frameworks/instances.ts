/**
 * Several processes of one framework: one holds it, the others stand by. This leader is the judge:
 * whoever is not heard for its lease, while it could have been, can lose the framework to another.
 */
import { type Refusal, refusal } from '../../../protocol/errors.ts'
import type { InstanceId } from '../../../protocol/ids.ts'
import {
  FRAMEWORK_FAILOVER_MS,
  INSTANCE_LEASE_MS,
  INSTANCE_LEASE_PINGS,
} from '../../../protocol/limits.ts'
import type { Framework, Holder } from '../entities.ts'
import { changesOf } from '../registry.ts'
import type { SubscribeRequest } from '../state.ts'
import type { LeaderTurn } from '../turn.ts'

interface Instance {
  readonly instance?: InstanceId | undefined
  readonly leaseMs?: number | undefined
}

/** Of a call or a record. */
export function holderOf({ instance, leaseMs }: Instance): Holder | undefined {
  return instance && { instance, leaseMs: leaseMs ?? INSTANCE_LEASE_MS }
}

/** As it travels and is kept. */
export function instanceFields(holder: Holder | undefined): {
  instance?: InstanceId
  leaseMs?: number
} {
  return holder === undefined ? {} : { ...holder }
}

/** How often the framework is asked whether it is there. */
export function pingMsOf({ state }: LeaderTurn, { holder }: Framework): number {
  const { frameworkPingMs } = state.rules
  if (holder === undefined) return frameworkPingMs
  return Math.min(frameworkPingMs, Math.ceil(holder.leaseMs / INSTANCE_LEASE_PINGS))
}

/** The last holder known may come back first: it was heard, as it were, when this leader began. */
export function holdAnew({ now }: LeaderTurn, framework: Framework): void {
  framework.heardAtMs = now.monotonicMs
}

/** The holder gives the framework up: the next to ask for it has it. */
export function letGo(framework: Framework): void {
  framework.heardAtMs = undefined
}

interface Wanted extends Instance {
  readonly key: string
  readonly session?: string | undefined
  readonly failoverMs?: number | undefined
}

/**
 * Says no to an instance while another one holds the framework, or is about to: or a process that
 * names none, which took it from all instances.
 */
export function refuseInstance(
  turn: LeaderTurn,
  known: Framework | undefined,
  wanted: Wanted,
): Refusal | undefined {
  const { key, instance, session, failoverMs = FRAMEWORK_FAILOVER_MS } = wanted
  if (instance === undefined) return undefined
  if (session === undefined)
    return refusal('invalid', 'session: an instance opens one; there is none')
  const next = nextRequest(turn, key)
  if (next !== undefined && next.holder?.instance !== instance)
    return held(key, next.holder, INSTANCE_LEASE_MS)
  const isAnothers = known !== undefined && known.holder?.instance !== instance
  const leftMs = isAnothers ? leaseLeftMs(turn, known) : 0
  if (leftMs > 0) return held(key, known?.holder, leftMs)
  return refuseLease(holderOf(wanted), failoverMs)
}

/** Its tasks would be killed before another instance may have them. */
export function refuseLease(holder: Holder | undefined, failoverMs: number): Refusal | undefined {
  if (holder === undefined || failoverMs >= holder.leaseMs) return undefined
  const message = `failoverMs: tasks must outlive the lease of an instance, ${holder.leaseMs} ms`
  return refusal('invalid', message)
}

/** A subscription that is on its way to the registry. */
function nextRequest(turn: LeaderTurn, key: string): SubscribeRequest | undefined {
  if (changesOf(turn, key) === 0) return undefined
  for (const { after } of turn.leader.registry.queue)
    if (after.after === 'subscribe' && after.key === key) return after.request
  return undefined
}

/**
 * Time alone proves nothing: a leader that was frozen has not read yet what its framework said.
 * Only pings count that it sent and was not answered, while its own echo came back.
 */
function leaseLeftMs(turn: LeaderTurn, framework: Framework): number {
  const { heardAtMs, missed, holder } = framework
  const { leaseMs } = holder ?? { leaseMs: INSTANCE_LEASE_MS }
  if (heardAtMs === undefined) return 0
  const leftMs = Math.ceil(heardAtMs + leaseMs - turn.now.monotonicMs)
  if (leftMs > 0 || missed >= INSTANCE_LEASE_PINGS) return Math.max(0, leftMs)
  return pingMsOf(turn, framework)
}

function held(key: string, holder: Holder | undefined, retryMs: number): Refusal {
  const who = holder === undefined ? 'a process that is no instance' : `instance ${holder.instance}`
  const message = `${who} holds ${key}; if it stays silent, ask again in ${retryMs} ms`
  return { ...refusal('held', message), retryMs }
}

/** What changes nothing: it may be asked without saying who of the instances asks. */
const HARMLESS: ReadonlySet<string> = new Set(['explain', 'read-output'])

/** Where there are several instances, a call without a session could be anybody's. */
export function refuseUnnamed(
  { key, holder }: Framework,
  verb: string,
  { session }: { readonly session?: unknown },
): Refusal | undefined {
  if (holder === undefined || session !== undefined || HARMLESS.has(verb)) return undefined
  return refusal('stale-session', `${key} has instances: a call names its session`)
}
