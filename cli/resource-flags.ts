/** Resources and attributes as they are written in a flag. */
import { OWN_ATTRIBUTES } from '../protocol/agent-attributes.ts'
import { type Refusal, refusal } from '../protocol/errors.ts'
import { RESOURCE_ENTRIES_MAX, RESOURCE_PARTS_MAX, SCALAR_MAX } from '../protocol/limits.ts'
import { listResources, parseResources } from '../protocol/resources.ts'
import type { Attribute, ResourceEntry, ResourceList } from '../protocol/schema/common.ts'

const NAME = '[A-Za-z0-9_./-]{1,64}'
const ENTRY = new RegExp(`^(?<name>${NAME})(?:\\((?<role>[^\\s()]{1,256})\\))?:(?<value>.+)$`)
const NUMBER = /^\d{1,13}(?:\.\d{1,3})?$/

/**
 * `cpus:4;mem:4096;ports:[31000-32000,33000-33100];disks:{a,b}`; `cpus(role):4` is reserved for
 * that role. Entries of one name and role add up; what is named with nothing, `gpus:0`, is in the
 * list, as an agent has of what is not named all that is there.
 */
export function parseResourceFlag(text: string): ResourceList | Refusal {
  const entries: ResourceEntry[] = []
  for (const part of partsOf(text, ';')) {
    const { name, role, value } = ENTRY.exec(part)?.groups ?? {}
    if (name === undefined || value === undefined) return wrong(part, 'is not name:value')
    const amount = parseAmount(value)
    if (typeof amount === 'string') return wrong(part, amount)
    entries.push({ name, ...amount, ...(role === undefined ? {} : { role }) })
  }
  if (entries.length === 0) return refusal('invalid', `resources "${text}" name none`)
  if (entries.length > RESOURCE_ENTRIES_MAX)
    return refusal('invalid', `resources: more than ${RESOURCE_ENTRIES_MAX} entries`)
  const parsed = parseResources(entries)
  if ('code' in parsed) return parsed
  const list = listResources(parsed)
  const nothing = entries.filter(({ name }) => !list.some((one) => one.name === name))
  return [...list, ...nothing]
}

/** What `parseResourceFlag` reads: plain entries with at most a role. */
export function resourceFlag(list: ResourceList): string {
  return list.map((entry) => `${entry.name}${roleText(entry)}:${amountText(entry)}`).join(';')
}

const roleText = ({ role }: ResourceEntry): string => (role === undefined ? '' : `(${role})`)

function amountText({ scalar, ranges, set = [] }: ResourceEntry): string {
  if (scalar !== undefined) return String(scalar)
  if (ranges === undefined) return `{${set.join(',')}}`
  return `[${ranges.map(([begin, end]) => `${begin}-${end}`).join(',')}]`
}

/** Of so many in all. */
const GIVEN_MAX = 256 - OWN_ATTRIBUTES.length

/** `rack:a1;cores:8`: numbers are numbers, all else is text. */
export function parseAttributeFlag(text: string): readonly Attribute[] | Refusal {
  const attributes: Attribute[] = []
  for (const part of partsOf(text, ';')) {
    const [, name, value] = new RegExp(`^(${NAME}):(.{1,1024})$`).exec(part) ?? []
    if (name === undefined || value === undefined)
      return refusal('invalid', `attribute "${part}" is not name:value`)
    if (OWN_ATTRIBUTES.includes(name))
      return refusal('invalid', `attribute "${name}" is said by the agent itself`)
    attributes.push(NUMBER.test(value) ? { name, scalar: Number(value) } : { name, text: value })
  }
  if (attributes.length <= GIVEN_MAX) return attributes
  return refusal('invalid', `more than ${GIVEN_MAX} attributes`)
}

type ParsedAmount = Pick<ResourceEntry, 'scalar' | 'ranges' | 'set'>

/** An amount, or what is wrong with it. */
function parseAmount(value: string): ParsedAmount | string {
  const inner = value.slice(1, -1)
  if (/^\[.*\]$/.test(value)) return parseRanges(inner)
  if (/^\{.*\}$/.test(value)) {
    const set = partsOf(inner, ',')
    return set.length > RESOURCE_PARTS_MAX ? `has more than ${RESOURCE_PARTS_MAX} members` : { set }
  }
  if (!NUMBER.test(value)) return 'is not a number, [from-to] or {a,b}'
  const scalar = Number(value)
  return scalar > SCALAR_MAX ? `is more than ${SCALAR_MAX}` : { scalar }
}

function parseRanges(inner: string): ParsedAmount | string {
  const ranges: [number, number][] = []
  for (const part of partsOf(inner, ',')) {
    const [, begin, end] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part) ?? []
    if (begin === undefined) return 'is not [from-to]'
    ranges.push([Number(begin), Number(end ?? begin)])
  }
  return ranges.length > RESOURCE_PARTS_MAX
    ? `has more than ${RESOURCE_PARTS_MAX} parts`
    : { ranges }
}

const partsOf = (text: string, separator: string): string[] =>
  text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '')

const wrong = (part: string, what: string): Refusal =>
  refusal('invalid', `resource "${part}" ${what}`)
