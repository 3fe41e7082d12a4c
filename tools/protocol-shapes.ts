/** Message shapes as tables; a shape that several use is described once. */
import { TOKEN_PATTERN } from '../protocol/ids.ts'
import { EPOCH_JUMP_MAX } from '../protocol/limits.ts'
import * as agent from '../protocol/schema/agent.ts'
import * as common from '../protocol/schema/common.ts'
import * as event from '../protocol/schema/event.ts'
import * as master from '../protocol/schema/master.ts'
import * as operator from '../protocol/schema/operator.ts'
import * as scheduler from '../protocol/schema/scheduler.ts'

/** What of JSON Schema the protocol's declarations use. */
export interface Schema {
  readonly type?: string
  readonly description?: string
  readonly const?: string
  readonly enum?: readonly string[]
  /** Known words among others. */
  readonly examples?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly items?: Schema | readonly Schema[]
  readonly additionalItems?: boolean
  readonly minItems?: number
  readonly maxItems?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly propertyNames?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly maxProperties?: number
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly binary?: boolean
  readonly maxBytes?: number
}

interface Shape {
  readonly name: string
  readonly schema: Schema
}

/** Shapes that are declared under a name, whatever message they are first met in. */
const NAMED = new Map<string, string>()
for (const declarations of [common, agent, master, scheduler, operator, event]) {
  for (const [name, schema] of Object.entries(declarations) as [string, Schema][]) {
    if (schema.properties !== undefined || name === 'ResourceList' || name === 'State') {
      NAMED.set(JSON.stringify(schema), name)
    }
  }
}

const HEX16 = '^[0-9a-f]{16}$'
/** What patterns mean; others are shown as they are. */
const PATTERNS: Readonly<Record<string, string>> = {
  [TOKEN_PATTERN]: 'id',
  [HEX16]: 'hex16',
  [(common.Role as Schema).pattern ?? '']: 'role',
  '^[0-9a-f]{32}$': '32 hexadecimal digits',
  '^[0-9a-f]{64}$': '64 hexadecimal digits',
}

/** The text of a number, with the two that nobody recognizes by their digits named. */
function number(value: number): string {
  if (value === Number.MAX_SAFE_INTEGER) return 'MAX'
  if (value === Number.MAX_SAFE_INTEGER - EPOCH_JUMP_MAX) return 'MAX − 2²⁰'
  return `${value}`
}

const inCode = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``

/** Collects shapes on the way: first the tables of messages, then what they are made of. */
export class DocumentedShapes {
  readonly #waiting: Shape[] = []
  readonly #known = new Set<string>()

  /** The table of a message's fields, and of the items of its lists by their kinds. */
  fields(name: string, schema: Schema): string {
    const items: Shape[] = []
    const rows = Object.entries(schema.properties ?? {}).map(([field, of]) => {
      const isOptional = schema.required?.includes(field) !== true
      const { oneOf: kinds = [] } = (of.items as Schema | undefined) ?? of
      for (const item of kinds) items.push({ name: kindOf(item), schema: item })
      const type = this.#type(of, `${name}.${field}`)
      return `| \`${field}\`${isOptional ? '?' : ''} | ${type} |`
    })
    if (rows.length === 0) return 'No fields.'
    const table = ['| field | type |', '|---|---|', ...rows].join('\n')
    return [table, ...items.map((item) => this.#item(name, item))].join('\n\n')
  }

  /** The tables of all shapes that were met, in the order of their names. */
  sections(): string {
    const sections = new Map<string, string>()
    for (let shape = this.#waiting.shift(); shape !== undefined; shape = this.#waiting.shift()) {
      const { name, schema } = shape
      const rest =
        schema.properties === undefined ? this.#plain(schema, name) : this.fields(name, schema)
      sections.set(name, [`### ${name}`, schema.description, rest].filter(Boolean).join('\n\n'))
    }
    return [...sections]
      .toSorted(([a], [b]) => a.localeCompare(b, 'en'))
      .map(([, text]) => text)
      .join('\n\n')
  }

  #item(message: string, { name, schema }: Shape): string {
    const { kind: _, ...properties } = schema.properties ?? {}
    const head = `**\`${name}\`**: ${schema.description ?? ''}`
    if (Object.keys(properties).length === 0) return head
    return `${head}\n\n${this.fields(`${message}.${name}`, { ...schema, properties })}`
  }

  /** A link to a shape's own section, which is written later. */
  #link(name: string, schema: Schema): string {
    if (!this.#known.has(name)) {
      this.#known.add(name)
      this.#waiting.push({ name, schema })
    }
    return `[${name}](#${name.toLowerCase().replaceAll(/[^\w-]/g, '')})`
  }

  #type(schema: Schema, path: string): string {
    const name = NAMED.get(JSON.stringify(schema))
    if (name !== undefined) return this.#link(name, schema)
    if (schema.properties !== undefined) return this.#link(path, schema)
    return this.#plain(schema, path)
  }

  #plain(schema: Schema, path: string): string {
    if (schema.const !== undefined) return inCode(schema.const)
    if (schema.enum !== undefined) return schema.enum.map(inCode).join(', ')
    if (schema.examples !== undefined) {
      return `${schema.examples.map(inCode).join(', ')}, or another word: ${text(schema)}`
    }
    if (schema.binary) return `up to ${schema.maxBytes} bytes`
    if (schema.oneOf !== undefined) return 'one of the items below, by `kind`'
    if (schema.anyOf !== undefined) {
      return schema.anyOf.map((one) => this.#type(one, path)).join(', or ')
    }
    switch (schema.type) {
      case 'array':
        return this.#list(schema, path)
      case 'object':
        return this.#map(schema, path)
      case 'string':
        return text(schema)
      case 'integer':
      case 'number':
        return range(schema)
      default:
        return schema.type ?? 'anything'
    }
  }

  #list(schema: Schema, path: string): string {
    const { items, minItems = 0, maxItems } = schema
    if (Array.isArray(items)) {
      return `[${items.map((item: Schema) => this.#type(item, path)).join(', ')}]`
    }
    const count = `${minItems} to ${maxItems ?? 'any'}`
    return `list of ${count}: ${this.#type(items as Schema, `${path}[]`)}`
  }

  #map(schema: Schema, path: string): string {
    const { propertyNames, additionalProperties, maxProperties } = schema
    const names =
      propertyNames?.pattern === undefined ? '' : ` names ${inCode(propertyNames.pattern)}`
    const values = this.#type(additionalProperties as Schema, path)
    return `map of up to ${maxProperties}:${names} to ${values}`
  }
}

const kindOf = ({ properties }: Schema): string => properties?.['kind']?.const ?? '?'

function text({ pattern, minLength = 0, maxLength }: Schema): string {
  const meaning = pattern === undefined ? undefined : (PATTERNS[pattern] ?? inCode(pattern))
  if (maxLength === undefined) return meaning ?? 'text'
  const least = minLength === 0 ? 'up' : `${minLength}`
  const length = `${least} to ${maxLength} UTF-16 units`
  return meaning === undefined ? `text, ${length}` : `${meaning}, ${length}`
}

function range({ type, minimum, maximum }: Schema): string {
  if (minimum === undefined || maximum === undefined) return type ?? 'number'
  return `${type} ${number(minimum)} to ${number(maximum)}`
}
