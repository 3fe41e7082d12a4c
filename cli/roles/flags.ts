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

/** `guaranteed cpus:4, no limit`: for people. */
export function quotaText({ guarantee = {}, limit = {} }: Omit<RoleQuota, 'role'>): string {
  const least = sumsFlag(guarantee)
  const most = sumsFlag(limit)
  const first = least === '' ? 'nothing guaranteed' : `guaranteed ${least}`
  return `${first}, ${most === '' ? 'no limit' : `limit ${most}`}`
}

/** `team/batch=2.5`. A role may have `=` in it. */
export function parseRoleWeight(text: string): RoleWeight | Refusal {
  const at = text.lastIndexOf('=')
  if (at < 0) return refusal('invalid', `"${text}" is not ROLE=WEIGHT`)
  const role = parseRole(text.slice(0, at))
  if (typeof role !== 'string') return role
  const value = text.slice(at + 1)
  const weight = Number(value)
  const isGood = /^\d{1,7}(?:\.\d{1,9})?$/.test(value) && weight >= WEIGHT_MIN
  if (isGood && weight <= WEIGHT_MAX) return { role, weight }
  return refusal('invalid', `weight "${value}" is not a number from ${WEIGHT_MIN} to ${WEIGHT_MAX}`)
}
