/**
 * Examples of every message, made from the declarations: a new message or field is covered by
 * itself. The same at each run.
 */
import assert from 'node:assert/strict'
import { MESSAGES, type MessageName } from '../../protocol/schema/messages.ts'
import type { Schema } from '../../tools/protocol-shapes.ts'
import { REALISTIC } from './realistic-messages.ts'

export type Example = Readonly<Record<string, unknown>>

/** Texts of fields that have a form of their own; elsewhere the first that fits is taken. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  hostname: ['host-1.example', 'höst-2.example'],
  launch: ['3-00000000000000aa-7'],
  message: ['exited with 3', 'ä€😀'],
  offerId: ['3-00000000000000aa-1'],
  offers: ['3-00000000000000aa-1'],
  path: ['/healthz?deep=1'],
  principal: ['local'],
  role: ['*', 'batch/nightly'],
  root: ['/mnt/disk-1'],
  roles: ['*', 'batch/nightly'],
  shell: ['echo ä€😀'],
  user: ['nobody'],
}

/** One of each form that patterns of the protocol ask for. */
const FORMS = ['00000000000000aa', '0123456789abcdef'.repeat(2), '0123456789abcdef'.repeat(4)]

/** Fields of which exactly one stands, what no schema here says. */
const ONE_OF: readonly (readonly string[])[] = [
  ['scalar', 'ranges', 'set'],
  ['text', 'scalar'],
  ['argv', 'shell'],
  ['code', 'signal'],
  ['command', 'http', 'tcp'],
  ['exitCode', 'statusCode', 'connected'],
]

/**
 * Of each message one with nothing but what must stand, some that together hold every field, kind,
 * word and bound at least once, and some as they really occur. All pass `check` unchanged.
 */
export function corpus(): ReadonlyMap<MessageName, readonly Example[]> {
  const names = Object.keys(MESSAGES) as MessageName[]
  return new Map(
    names.map((name) => {
      const schema = MESSAGES[name].schema as Schema
      const made = [least(schema, name), ...full(schema, name), ...(REALISTIC[name] ?? [])]
      return [name, distinct(made) as Example[]]
    }),
  )
}

function distinct(values: readonly unknown[]): readonly unknown[] {
  const seen = new Set<string>()
  return values.filter((value) => {
    const key = JSON.stringify(value)
    return !seen.has(key) && seen.add(key)
  })
}

/** The smallest value of `schema`; `field` is what it is the value of. */
function least(schema: Schema, field: string): unknown {
  if (schema.properties !== undefined) {
    const { properties, required = [] } = schema
    const chosen = alternatives(properties)[0]?.stands ?? []
    const names = Object.keys(properties).filter(
      (name) => required.includes(name) || chosen.includes(name),
    )
    return Object.fromEntries(names.map((name) => [name, least(properties[name] ?? {}, name)]))
  }
  const [first] = schema.oneOf ?? schema.anyOf ?? []
  if (first !== undefined) return least(first, field)
  if (schema.type === 'array') return leastList(schema, field)
  if (schema.type === 'object') return {}
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 0
  if (schema.type === 'boolean') return false
  return full(schema, field)[0]
}

function leastList({ items, minItems = 0 }: Schema, field: string): unknown[] {
  if (Array.isArray(items)) return items.map((item: Schema) => least(item, field))
  return Array.from({ length: minItems }, () => least(items as Schema, field))
}

/** Values of `schema` with all that may stand, as many as it takes to show every alternative. */
function full(schema: Schema, field: string): readonly unknown[] {
  if (schema.const !== undefined) return [schema.const]
  if (schema.enum !== undefined) return schema.enum
  if (schema.examples !== undefined) return [...schema.examples, 'ONE_MORE']
  if (schema.binary) return [Uint8Array.of(0, 127, 255), new Uint8Array()]
  if (schema.properties !== undefined) return fullObjects(schema, schema.properties)
  const members = schema.oneOf ?? schema.anyOf
  if (members !== undefined) return members.flatMap((member) => full(member, field))
  switch (schema.type) {
    case 'array':
      return fullLists(schema, field)
    case 'object':
      return fullMaps(schema, field)
    case 'string':
      return texts(schema, field)
    case 'integer':
      return bounded(schema, [7])
    case 'number':
      return bounded(schema, [0.5, 12.125])
    case 'boolean':
      return [true, false]
    default:
      throw new Error(`no example of ${field}: its schema has the type ${schema.type}`)
  }
}

/** Beside each other, the values of all fields; who has fewer than others keeps its last. */
function fullObjects(
  { required = [] }: Schema,
  properties: NonNullable<Schema['properties']>,
): readonly unknown[] {
  const values = new Map(
    Object.entries(properties).map(([name, schema]) => [name, full(schema, name)]),
  )
  return alternatives(properties).flatMap(({ falls }) => {
    const names = Object.keys(properties).filter((name) => !falls.includes(name))
    const count = Math.max(1, ...names.map((name) => values.get(name)?.length ?? 0))
    assert(required.every((name) => names.includes(name)))
    return Array.from({ length: count }, (_, i) =>
      Object.fromEntries(names.map((name) => [name, at(values.get(name) ?? [], i)])),
    )
  })
}

/** Which of fields that exclude each other stand and fall, in each of the ways there are. */
function alternatives(
  properties: object,
): readonly { readonly stands: readonly string[]; readonly falls: readonly string[] }[] {
  const group = ONE_OF.find((names) => names.every((name) => name in properties))
  if (group === undefined) return [{ stands: [], falls: [] }]
  return group.map((one) => ({ stands: [one], falls: group.filter((name) => name !== one) }))
}

const at = (values: readonly unknown[], i: number): unknown =>
  values[Math.min(i, values.length - 1)]

/** One list of all that may stand in it, and the shortest. */
function fullLists(schema: Schema, field: string): readonly unknown[] {
  const { items, maxItems = 1 } = schema
  if (Array.isArray(items)) {
    const columns = items.map((item: Schema) => full(item, field))
    const count = Math.max(...columns.map(({ length }) => length))
    return Array.from({ length: count }, (_, i) => columns.map((column) => at(column, i)))
  }
  const all = [...full(items as Schema, field), least(items as Schema, field)]
  return [distinct(all).slice(0, maxItems), leastList(schema, field)]
}

function fullMaps({ propertyNames, additionalProperties }: Schema, field: string) {
  const values = full(additionalProperties as Schema, field)
  const [name = ''] = texts(propertyNames ?? { type: 'string' }, field)
  return [Object.fromEntries(values.map((value, i) => [i === 0 ? name : `${name}${i}`, value])), {}]
}

function texts({ pattern, minLength = 0, maxLength }: Schema, field: string): readonly string[] {
  const own = TEXTS[field]
  if (own !== undefined) return own
  const form = new RegExp(pattern ?? '')
  const named = field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const found = [`a-${named}`, `a_${named}`, 'a', ...FORMS].find(
    (text) => form.test(text) && text.length >= minLength && text.length <= (maxLength ?? 128),
  )
  if (found === undefined) throw new Error(`no example of ${field}: add a form for ${pattern}`)
  return [found]
}

const bounded = ({ minimum, maximum }: Schema, own: readonly number[]): readonly number[] => {
  const fitting = own.filter((value) => value >= (minimum ?? value) && value <= (maximum ?? value))
  return [...new Set([...fitting, minimum ?? -1, maximum ?? 1e300])]
}
