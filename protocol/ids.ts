/** Every kind of id. One id is one NATS subject token; ids of different kinds do not mix. */
import { type Refusal, refusal } from './errors.ts'

declare const brand: unique symbol
type Id<Kind extends string> = string & { readonly [brand]: Kind }

/** Chosen by the agent, kept over restarts and reboots. */
export type AgentId = Id<'Agent'>
/** One work directory of an agent, made at the first start there: 64 bits as for a `RunId`. */
export type DirectoryId = Id<'Directory'>
/** Chosen by the framework, unique within its principal. */
export type FrameworkId = Id<'Framework'>
/** Who a framework or an operator belongs to: what NATS credentials are given out for. */
export type Principal = Id<'Principal'>
/** Chosen by the framework, unique among its tasks that have not ended. Stands only in bodies. */
export type TaskId = Id<'Task'>
/** One master process's name. */
export type MasterId = Id<'Master'>
/** One shadow allocator's name. */
export type ShadowId = Id<'Shadow'>
/** One run of a master's process: 64 random bits as 16 hexadecimal digits. */
export type RunId = Id<'Run'>
/** Made by whoever opens a session: 64 random bits as 16 hexadecimal digits. */
export type SessionId = Id<'Session'>
/** One of several processes of one framework, as it names itself. */
export type InstanceId = Id<'Instance'>
/** `<epoch>-<run>-<count>` of the leader that made the offer. */
export type OfferId = Id<'Offer'>
/** `<epoch>-<run>-<count>` of the leader that sent the task: one launch of one task id. */
export type Launch = Id<'Launch'>

/** What ids are made of. NATS accepts more; wildcards and dots must never come in by an id. */
export const TOKEN_PATTERN = '^[A-Za-z0-9_-]{1,64}$'
const TOKEN = new RegExp(TOKEN_PATTERN)

/** True if `value` can be an id of any kind. */
export function isToken(value: string): boolean {
  return TOKEN.test(value)
}

/** Takes a string from a person for an id, or says what is wrong with it. */
export function parseId<I extends Id<string>>(kind: string, value: string): I | Refusal {
  if (isToken(value)) return value as I
  const shown = JSON.stringify(value.slice(0, 80))
  return refusal('invalid', `${kind} ${shown} is not 1 to 64 letters, digits, _ or -`)
}

/** A token from a host name: what a token may not hold becomes `-`. */
export function tokenFrom(text: string): string {
  return (
    text
      .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 40) || 'host'
  )
}

/** The epoch and the run that an offer id or launch was made in; undefined if it is neither. */
export function madeIn(id: OfferId | Launch): { epoch: number; run: RunId } | undefined {
  const parts = /^(\d{1,16})-([0-9a-f]{16})-\d{1,16}$/.exec(id)
  return parts === null ? undefined : { epoch: Number(parts[1]), run: parts[2] as RunId }
}

/**
 * Launches of one task id are ordered as they were made: by epoch, then count. What is no launch
 * has no place in that order: any answer will do.
 */
export function isLaterLaunch(launch: Launch, than: Launch): boolean {
  return (epochOf(launch) - epochOf(than) || countOf(launch) - countOf(than)) > 0
}

const epochOf = (launch: Launch): number => Number(launch.slice(0, launch.indexOf('-')))

/** Its number among those of its kind that its leader has made. */
export const countOf = (id: OfferId | Launch): number => Number(id.slice(id.lastIndexOf('-') + 1))

/** One framework everywhere: frameworks of two principals may have the same id. */
export interface FrameworkKey {
  readonly principal: Principal
  readonly frameworkId: FrameworkId
}

/** A map key for a framework. No token holds a dot, so no two frameworks share one. */
export function frameworkKey({ principal, frameworkId }: FrameworkKey): string {
  return `${principal}.${frameworkId}`
}
