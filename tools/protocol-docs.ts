/**
 * What is generated from the protocol's declarations: a page for people, JSON Schemas for machines.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REFUSAL_CODES } from '../protocol/errors.ts'
import { EVENT_WORDS } from '../protocol/event-words.ts'
import * as limits from '../protocol/limits.ts'
import { MESSAGES, type MessageEntry } from '../protocol/schema/messages.ts'
import * as subjects from '../protocol/subjects.ts'
import { DocumentedShapes, type Schema } from './protocol-shapes.ts'

/** A file's path from the project's root, and what it is to hold. */
export interface GeneratedFile {
  readonly path: string
  readonly text: string
}

const ENTRIES = Object.entries(MESSAGES) as readonly (readonly [string, MessageEntry])[]

const INTRODUCTION = `# The protocol

This page is generated from \`protocol/\` by \`npm run docs\`; a test fails when it is stale.

Every payload is one msgpack map with string keys: no extension types, at most ${limits.DEPTH_MAX} levels deep, at
most ${limits.MESSAGE_BYTES_MAX / 1024} KiB. Integers may arrive as integers or floats, that is the packer's choice and means nothing. Times
end in \`AtMs\` and are integer milliseconds since 1970, durations end in \`Ms\`. Bytes are msgpack \`bin\`. What is
longer than a message travels as pages. Who sends stands in the subject, never in the payload. Unknown fields are
ignored and not passed on, except in operators' calls, where they are refused. Fields are added and never changed; a
session opens with the range of versions that its opener speaks and goes on in the highest in common.

Whoever is newer may say more. Where the tables name words *or another word*, others may come: pass them on, show
them, decide nothing by them. In the lists of sessions (\`orders\`, \`reports\`, \`figures\`, \`events\`) leave out
items of a \`kind\` that you do not know. What is asked for has to be known: a call with an unknown word or kind of
operation is refused by name ([decision 32](decisions/0032-whoever-is-newer-may-say-more.md)).

In the tables, \`?\` marks a field that may be left out, *id* is 1 to 64 letters, digits, \`_\` or \`-\`, *hex16* is 64
bits as 16 hexadecimal digits, and MAX is 2⁵³−1.
`

/** \`{cluster}.…\` of each message, with its verb filled in. */
function subjectsOf(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  const add = (name: string, subject: string): void => {
    found.set(name, [...(found.get(name) ?? []), subject])
  }
  for (const route of Object.values(subjects)) {
    if (typeof route !== 'object' || !('template' in route)) continue
    const { template } = route
    const isCalled = template.endsWith('{verb}')
    const verbs = template.includes('operator') ? subjects.OPERATOR_VERBS : subjects.FRAMEWORK_VERBS
    for (const verb of isCalled ? Object.keys(verbs) : ['']) {
      const name = route.body({ verb } as never)
      if (name !== undefined) add(name, template.replace('{verb}', verb))
    }
  }
  for (const answers of [subjects.FRAMEWORK_ANSWERS, subjects.OPERATOR_ANSWERS]) {
    for (const [verb, name] of Object.entries(answers)) add(name, `answers \`${verb}\``)
  }
  add('LeaseRecord', `bucket ${subjects.leaseBucket('{cluster}')}, key ${subjects.LEASE_KEY}`)
  add('RegistryBatch', `stream ${subjects.registryLog('{cluster}')}`)
  return found
}

const DELIVERY = {
  'at-most-once': 'at most once',
  'at-least-once': 'at least once',
  'request-reply': 'request and reply',
  stored: 'stored',
} as const

/** Some descriptions say first who speaks to whom, which stands below. */
const sentence = (description: string): string => {
  const text = description.replace(/^[a-z]+ → [a-z ]+: /, '')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function messageSections(shapes: DocumentedShapes): string {
  const found = subjectsOf()
  return ENTRIES.map(([name, { schema, from, to, delivery, strict }]) => {
    const where = (found.get(name) ?? [])
      .map((subject) => (subject.startsWith('answers') ? subject : `\`${subject}\``))
      .join(', ')
    return [
      `### ${name}`,
      sentence((schema as Schema).description ?? ''),
      `${from} → ${to}, ${DELIVERY[delivery]}: ${where}${strict ? '. Unknown fields are refused.' : ''}`,
      shapes.fields(name, schema as Schema),
    ].join('\n\n')
  }).join('\n\n')
}

function refusalTable(): string {
  const source = readFileSync('protocol/errors.ts', 'utf8')
  const rows = Object.entries(REFUSAL_CODES).map(([name, code]) => {
    const key = name.includes('-') ? `'${name}'` : name
    const meaning = new RegExp(`/\\*\\* (.*) \\*/\\n  ${key}: ${code},`).exec(source)?.[1] ?? ''
    return `| \`${name}\` | ${code} | ${meaning} |`
  })
  return ['| name | code | meaning |', '|---|---|---|', ...rows].join('\n')
}

/** Amounts by name, of which one is enough. */
type Alternatives = readonly Readonly<Record<string, number>>[]

const alternatives = (value: Alternatives): string =>
  value
    .map((amounts) => Object.entries(amounts).map(([name, least]) => `${least} ${name}`))
    .map((parts) => parts.join(' and '))
    .join(', or ')

/** `1024` of a name in bytes is `1 KiB`, `3000` of one in milliseconds `3 s`. */
function amount(name: string, value: number | Alternatives): string {
  if (typeof value !== 'number') return alternatives(value)
  if (name.includes('BYTES') && value % 1024 ** 2 === 0) return `${value / 1024 ** 2} MiB`
  if (name.includes('BYTES') && value % 1024 === 0) return `${value / 1024} KiB`
  if (/_MS(_|$)/.test(name)) {
    if (value % 86_400_000 === 0) return `${value / 86_400_000} d`
    if (value % 60_000 === 0) return `${value / 60_000} min`
    return value % 1_000 === 0 ? `${value / 1_000} s` : `${value} ms`
  }
  return Number.isInteger(value) ? `${value}` : value.toFixed(3)
}

function limitTable(): string {
  const source = readFileSync('protocol/limits.ts', 'utf8')
  const values = limits as unknown as Readonly<Record<string, number | Alternatives>>
  let meaning = ''
  const rows: string[] = []
  for (const [, comment, name] of source.matchAll(/^\/\*\*([^]*?)\*\/|^export const (\w+)/gm)) {
    if (comment !== undefined) meaning = comment.replaceAll(/\s*\n \*\s?/g, ' ').trim()
    const value = name === undefined ? undefined : values[name]
    if (name === undefined || value === undefined) continue
    rows.push(`| \`${name}\` | ${amount(name, value)} | ${meaning} |`)
  }
  return ['| name | value | meaning |', '|---|---|---|', ...rows].join('\n')
}

function page(): string {
  const shapes = new DocumentedShapes()
  const messages = messageSections(shapes)
  const sections = [
    INTRODUCTION.trimEnd(),
    '## Messages',
    messages,
    '## Shapes',
    'What several messages are made of.',
    shapes.sections(),
    '## Events',
    'Each is a `PublicEvents`, and kept in the stream `{cluster}_events`.',
    eventTable(),
    '## Refusals',
    'In answers as `Nats-Service-Error-Code` and `Nats-Service-Error`, and as the map `{name, message}`.',
    refusalTable(),
    '## Limits',
    limitTable(),
  ]
  return `${sections.join('\n\n')}\n`
}

/** Each kind of event with its words, and the subjects where they are heard. */
function eventTable(): string {
  const { clusterEvents, frameworkWorldEvents } = subjects
  const rows = Object.entries(EVENT_WORDS).flatMap(([kind, words]) => {
    const { template } = /master|agent/.test(kind) ? clusterEvents : frameworkWorldEvents
    return Object.entries(words).map(([what, meaning]) => {
      const subject = template.replace('{kind}', kind).replace('{what}', what)
      return `| \`${subject}\` | ${meaning} |`
    })
  })
  return ['| subject | what has happened |', '|---|---|', ...rows].join('\n')
}

/** JSON Schema 2020-12 of what a receiver takes: TypeBox writes tuples and strictness otherwise. */
function portable(schema: unknown, isStrict: boolean): unknown {
  if (Array.isArray(schema)) return schema.map((item) => portable(item, isStrict))
  if (typeof schema !== 'object' || schema === null) return schema
  const { items, additionalItems: _, additionalProperties, ...rest } = schema as Schema
  const fields = Object.entries(rest).map(([key, value]) => [key, portable(value, isStrict)])
  const isOpen = additionalProperties === false && !isStrict
  return {
    ...Object.fromEntries(fields),
    ...(Array.isArray(items) && { prefixItems: portable(items, isStrict), items: false }),
    ...(items !== undefined && !Array.isArray(items) && { items: portable(items, isStrict) }),
    ...(additionalProperties !== undefined &&
      !isOpen && { additionalProperties: portable(additionalProperties, isStrict) }),
  }
}

function jsonSchema(name: string, { schema, strict }: MessageEntry): string {
  const head = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:bourse:protocol:${name}`,
    title: name,
  }
  const body = portable(schema, strict === true) as object
  return `${JSON.stringify({ ...head, ...body }, undefined, 2)}\n`
}

/** All that `npm run docs` writes. Reads the sources below the working directory. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [
    { path: join('docs', 'protocol.md'), text: page() },
    ...ENTRIES.map(([name, entry]) => ({
      path: join('docs', 'schema', `${name}.schema.json`),
      text: jsonSchema(name, entry),
    })),
  ]
}
