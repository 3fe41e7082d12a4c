import test from 'ava'
import { decode, encode } from '../../../bus/codec.ts'
import { check } from '../../../protocol/check.ts'
import { MESSAGES, type MessageName } from '../../../protocol/schema/messages.ts'
import type { Schema } from '../../../tools/protocol-shapes.ts'
import { corpus } from '../../support/corpus.ts'

const CORPUS = [...corpus()]

test('every message has examples, first one with nothing but what must stand', (t) => {
  t.deepEqual(
    CORPUS.map(([name]) => name),
    Object.keys(MESSAGES) as MessageName[],
  )
  for (const [name, examples] of CORPUS) {
    const { required = [] } = MESSAGES[name].schema as Schema
    t.deepEqual(Object.keys(examples[0] ?? {}).toSorted(), [...required].toSorted(), name)
  }
})

test('every example passes the check, and loses nothing in it', (t) => {
  for (const [name, examples] of CORPUS)
    for (const [i, example] of examples.entries()) {
      const value = structuredClone(example)
      const checked = check(name, value)
      t.true(checked.ok, checked.ok ? '' : `${i}: ${checked.refusal.message}`)
      t.deepEqual(value, example, `${name} ${i}`)
    }
})

test('every example fits into a message and comes back from the wire', (t) => {
  for (const [name, examples] of CORPUS)
    for (const example of examples) {
      const decoded = decode(encode(example))
      t.deepEqual(decoded.ok ? ownBytes(decoded.value) : decoded.refusal, example, name)
    }
})

test('every field, kind, word and bound of every message stands in some example', (t) => {
  for (const [name, examples] of CORPUS)
    t.deepEqual(missing(MESSAGES[name].schema as Schema, examples, name), [])
})

test('the corpus is the same each time', (t) => {
  t.deepEqual([...corpus()], CORPUS)
})

/** What was decoded holds views of Node's kind. */
function ownBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (Array.isArray(value)) return value.map(ownBytes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, ownBytes(field)]))
}

/** The parts of `schema` that no one of `values` shows. */
function missing(schema: Schema, values: readonly unknown[], path: string): readonly string[] {
  const { properties, oneOf, anyOf, type, items } = schema
  if (values.length === 0) return [path]
  if (schema.enum !== undefined)
    return schema.enum.filter((word) => !values.includes(word)).map((word) => `${path} ${word}`)
  if (schema.examples !== undefined)
    return [...schema.examples, 'ONE_MORE']
      .filter((word) => !values.includes(word))
      .map((word) => `${path} ${word}`)
  if (properties !== undefined) return missingFields(properties, values, path)
  if (oneOf !== undefined)
    return oneOf.flatMap((member) => {
      const kind = member.properties?.['kind']?.const
      const those = values.filter((value) => (value as { kind: string }).kind === kind)
      return missing(member, those, `${path} ${kind}`)
    })
  if (anyOf !== undefined)
    return anyOf.flatMap((member) => {
      const isList = member.type === 'array'
      const those = values.filter((value) => Array.isArray(value) === isList)
      return missing(member, those, `${path} ${member.type}`)
    })
  if (type === 'array' && !Array.isArray(items))
    return missing(items as Schema, values.flat(), `${path}[]`)
  if (type === 'object' && typeof schema.additionalProperties === 'object')
    return missing(
      schema.additionalProperties,
      (values as object[]).flatMap((map) => Object.values(map)),
      `${path}{}`,
    )
  return [schema.minimum, schema.maximum]
    .filter((bound) => bound !== undefined && !values.includes(bound))
    .map((bound) => `${path} ${bound}`)
}

const missingFields = (
  properties: NonNullable<Schema['properties']>,
  values: readonly unknown[],
  path: string,
): readonly string[] =>
  Object.entries(properties).flatMap(([name, field]) => {
    const those = (values as Record<string, unknown>[]).filter((value) => name in value)
    return missing(
      field,
      those.map((value) => value[name]),
      `${path}.${name}`,
    )
  })
