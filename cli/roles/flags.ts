/** Roles and their terms as they are written at the command line. */
import { type Refusal, refusal } from '../../protocol/errors.ts'
import { QUANTITIES_MAX, SUM_MAX, WEIGHT_MAX, WEIGHT_MIN } from '../../protocol/limits.ts'
import { PATTERN_WORDS, RESOURCE_NAME_PATTERN, ROLE_PATTERN } from '../../protocol/patterns.ts'
import type { RoleQuota, RoleWeight, Sums } from '../../protocol/schema/common.ts'

const ROLE_LENGTH_MAX = 256
const AMOUNT = /^\d{1,13}(?:\.\d{1,3})?$/

export function parseRole(text: string): string | Refusal {
  if (text.length <= ROLE_LENGTH_MAX && new RegExp(ROLE_PATTERN).test(text)) return text
  return refusal('invalid', `role "${text}" is not ${PATTERN_WORDS[ROLE_PATTERN]}`)
}

/** `cpus:4;mem:4096`, with `;` or `,` between. */
export function parseSumsFlag(text: string): Sums | Refusal {
  const parts = text.split(/[;,]/).map((part) => part.trim())
  const sums: Record<string, number> = {}
  for (const part of parts.filter((one) => one !== '')) {
    const [name = '', value = ''] = part.split(':')
    const isGood = new RegExp(RESOURCE_NAME_PATTERN).test(name) && AMOUNT.test(value)
    if (!isGood || part.split(':').length !== 2 || Number(value) > SUM_MAX)
      return refusal('invalid', `"${part}" is no amount like cpus:4 or mem:4096`)
    if (Object.hasOwn(sums, name)) return refusal('invalid', `${name} stands there twice`)
    sums[name] = Number(value)
  }
  const count = Object.keys(sums).length
  if (count > 0 && count <= QUANTITIES_MAX) return sums
  return refusal('invalid', count === 0 ? 'names no amount' : `more than ${QUANTITIES_MAX} amounts`)
}

/** What `parseSumsFlag` reads; empty: nothing. */
export const sumsFlag = (sums: Sums): string =>
  Object.entries(sums)
    .map(([name, sum]) => `${name}:${sum}`)
    .join(';')

type Quota = Omit<RoleQuota, 'role'>

/** `guaranteed cpus:4, no limit`: for people. */
export function quotaText({ guarantee = {}, limit = {} }: Quota): string {
  const least = sumsFlag(something(guarantee))
  const most = sumsFlag(limit)
  const first = least === '' ? 'nothing guaranteed' : `guaranteed ${least}`
  return `${first}, ${most === '' ? 'no limit' : `limit ${most}`}`
}

/** Nothing is guaranteed, and there is no limit. */
export const isNoQuota = ({ guarantee = {}, limit = {} }: Quota): boolean =>
  Object.keys(something(guarantee)).length + Object.keys(limit).length === 0

/** A guarantee of nothing is none. A limit of nothing is one. */
const something = (guarantee: Sums): Sums =>
  Object.fromEntries(Object.entries(guarantee).filter(([, sum]) => sum > 0))

/** What the leader would have against it, whatever else it knows; undefined: nothing. */
export function quotaProblem({ role, guarantee = {}, limit = {} }: RoleQuota): string | undefined {
  const [top = role] = role.split('/')
  if (top !== role)
    return `${role} is below ${top}, and only roles at the top of the tree have a quota`
  const name = Object.keys(guarantee).find((one) => (guarantee[one] ?? 0) > (limit[one] ?? SUM_MAX))
  if (name === undefined) return undefined
  return `${role} would be guaranteed ${name}:${guarantee[name]}, and its limit be ${name}:${limit[name]}`
}

/** `team/batch=2.5`. */
export function parseRoleWeight(text: string): RoleWeight | Refusal {
  const [name = '', value, ...more] = text.split('=')
  if (value === undefined || more.length > 0)
    return refusal('invalid', `"${text}" is not ROLE=WEIGHT`)
  const role = parseRole(name)
  if (typeof role !== 'string') return refusal('invalid', `"${text}": ${role.message}`)
  const weight = Number(value)
  const isGood = /^\d{1,7}(?:\.\d{1,9})?$/.test(value) && weight >= WEIGHT_MIN
  if (isGood && weight <= WEIGHT_MAX) return { role, weight }
  const what = `a number from ${WEIGHT_MIN} to ${WEIGHT_MAX}, written like 1000 or 0.5`
  return refusal('invalid', `"${text}": the weight is not ${what}`)
}
