/**
 * What authors may write, field by field. Whether a value is good, the protocol's own checks say;
 * here is what is said when it is not.
 */
import { check } from '../../protocol/check.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { isToken } from '../../protocol/ids.ts'
import { INSTANCE_LEASE_MS_MAX, INSTANCE_LEASE_MS_MIN, ROLES_MAX } from '../../protocol/limits.ts'
import type { MessageName } from '../../protocol/schema/messages.ts'
import type { OutputOptions } from './contract-statuses.ts'

/** `what` completes the sentence `FIELD must be …`. */
export interface Rule {
  readonly what: string
  readonly isGood: (value: unknown) => boolean
  readonly isRequired?: boolean
  /** What was given is not shown. */
  readonly isSecret?: boolean
}

export type Rules<Fields> = { readonly [Field in keyof Fields]-?: Rule }
type Given = Readonly<Record<string, unknown>>

const fits = (name: MessageName, body: Given): boolean => check(name, body).ok
const fitsSubscribe = (fields: Given): boolean =>
  fits('Subscribe', { name: 'any', secret: 'anything', ...fields })
const A_READING = {
  taskId: 'any',
  agentId: 'any',
  stream: 'stdout',
  offset: 0,
  bytesMax: 1,
  waitMs: 0,
  request: '0123456789abcdef',
}
const fitsReading = (fields: Given): boolean => fits('ReadOutput', { ...A_READING, ...fields })

export const TOKEN: Rule = {
  what: '1 to 64 letters, digits, _ or -',
  isGood: (value) => typeof value === 'string' && isToken(value),
}
export const TASK_ID: Rule = { ...TOKEN, isRequired: true }
export const DURATION: Rule = {
  what: 'whole milliseconds, 0 to ten years',
  isGood: (value) => fitsSubscribe({ failoverMs: value }),
}
export const LEASE: Rule = {
  what: `whole milliseconds, ${INSTANCE_LEASE_MS_MIN} to ${INSTANCE_LEASE_MS_MAX}`,
  isGood: (value) => fitsSubscribe({ leaseMs: value }),
}
export const GRACE: Rule = {
  what: 'whole milliseconds, 0 to an hour',
  isGood: (value) => fits('KillTask', { taskId: 'any', graceMs: value }),
}
export const NAME: Rule = {
  what: 'a text of 1 to 256 characters',
  isGood: (value) => fitsSubscribe({ name: value }),
  isRequired: true,
}
export const SECRET: Rule = {
  what: '8 to 128 printable ASCII characters',
  isGood: (value) => fitsSubscribe({ secret: value }),
  isSecret: true,
}
export const ROLES: Rule = {
  what: `a list of 1 to ${ROLES_MAX} roles, like ['*'] or ['web', 'team/batch']`,
  isGood: (value) => fitsSubscribe({ roles: value }),
}
export const ROLE: Rule = {
  what: "a role, like '*' or 'team/batch'",
  isGood: (value) => fitsSubscribe({ roles: [value] }),
}
/** Of those that there are; none is allowed, and means none. */
export const SOME_ROLES: Rule = {
  what: "a list of roles, like ['*']",
  isGood: (value) => fits('Revive', { roles: value }),
}
export const REASON: Rule = { what: 'a text', isGood: (value) => typeof value === 'string' }
const OFFSET: Rule = {
  what: 'a whole number, 0 or more',
  isGood: (value) => fitsReading({ offset: value }),
}
const STREAM: Rule = {
  what: "'stdout' or 'stderr'",
  isGood: (value) => fitsReading({ stream: value }),
}
export const YES_OR_NO: Rule = {
  what: 'true or false',
  isGood: (value) => typeof value === 'boolean',
}
export const FUNCTION: Rule = {
  what: 'a function',
  isGood: (value) => typeof value === 'function',
}
export const HANDLER: Rule = { ...FUNCTION, isRequired: true }
export const OUTPUT_RULES: Rules<OutputOptions> = {
  taskId: TASK_ID,
  agentId: TOKEN,
  stream: STREAM,
  offset: OFFSET,
}

/** A map with texts as names, by which one may ask. */
export function isFields(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** All that is wrong with the fields that `rules` name, each in a sentence. */
export function problemsOf<Fields>(value: Given, rules: Rules<Fields>): readonly string[] {
  return Object.entries<Rule>(rules)
    .filter(([field, { isGood, isRequired }]) => {
      const given = value[field]
      return given === undefined ? isRequired === true : !isGood(given)
    })
    .map(([field, { what, isSecret }]) => {
      const must = `${field} must be ${what}`
      return isSecret === true ? must : `${must}, not ${shown(value[field])}`
    })
}

/** @throws {ClusterError} `scheduler/option`, with all that is wrong. */
export function requireGood<Fields>(where: string, value: unknown, rules: Rules<Fields>): void {
  const problems = isFields(value)
    ? problemsOf(value, rules)
    : [`the options must be an object, not ${shown(value)}`]
  if (problems.length > 0) throw badOption(`${where}: ${problems.join('; ')}`)
}

export const badOption = (message: string): ClusterError =>
  new ClusterError('scheduler/option', 'never', message)

const SHOWN_LENGTH_MAX = 60
const SHOWN_FIELDS_MAX = 4

/** What was given, more or less as its author wrote it. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, SHOWN_LENGTH_MAX))
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) {
    const [first, ...more] = value
    return value.length === 0 ? '[]' : `[${shown(first)}${more.length > 0 ? ', …' : ''}]`
  }
  if (!isFields(value)) return String(value)
  const fields = Object.keys(value)
  if (fields.length === 0) return '{}'
  const some = fields.slice(0, SHOWN_FIELDS_MAX).join(', ').slice(0, SHOWN_LENGTH_MAX)
  return `{ ${some}${fields.length > SHOWN_FIELDS_MAX ? ', …' : ''} }`
}
