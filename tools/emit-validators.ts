/**
 * Writes the validators of all messages as plain JavaScript beside the compiled protocol, a file
 * for each, so that nothing that runs loads a schema compiler, or the validator of what it never
 * hears.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { _, Ajv, type KeywordCxt, str } from 'ajv'
import standaloneCode from 'ajv/dist/standalone/index.js'
import { MESSAGES, type MessageEntry } from '../protocol/schema/messages.ts'

/** JavaScript of one CommonJS module that is the validator of `entry`. */
function emit({ schema: whole, strict }: MessageEntry): string {
  const schema = withKindsApart(whole)
  const ajv = new Ajv({
    code: { source: true, lines: false },
    discriminator: true,
    // What stands apart stays apart.
    inlineRefs: false,
    // Without this, string lengths are counted in code points by a helper that is not bundled.
    unicode: false,
    removeAdditional: !strict,
    strictSchema: true,
    strictRequired: false,
    // It would say that `unicode` is deprecated; what is wrong is thrown.
    logger: false,
    allowMatchingProperties: true,
  })
  ajv.addKeyword({
    keyword: 'binary',
    schemaType: 'boolean',
    code(cxt: KeywordCxt) {
      cxt.fail(_`!(${cxt.data} instanceof Uint8Array)`)
    },
    error: { message: 'must be binary' },
  })
  ajv.addKeyword({
    keyword: 'maxBytes',
    schemaType: 'number',
    // What is not binary is for `binary` to say, whichever of the two is asked first.
    code(cxt: KeywordCxt) {
      cxt.fail(_`${cxt.data} instanceof Uint8Array && ${cxt.data}.length > ${cxt.schemaCode}`)
    },
    error: { message: ({ schemaCode }) => str`must NOT have more than ${schemaCode} bytes` },
  })
  const compiled = ajv.compile(schema)
  const code = (standaloneCode as unknown as (a: Ajv, f: typeof compiled) => string)(ajv, compiled)
  return withKinds(withoutBinary(code), schema)
}

interface Kind {
  readonly properties: { readonly kind: { readonly const: string } }
}

interface KindsApart {
  readonly $defs: Readonly<Record<string, Kind>>
}

/**
 * The schema with each kind of item in a definition of its own, which gives each a function of its
 * own: V8 does not optimize a function as long as the one for all orders or figures would be, and
 * to interpret it takes five times as long.
 */
function withKindsApart(schema: object): KindsApart {
  const $defs: Record<string, Kind> = {}
  const apart = (key: string, value: unknown): unknown => {
    if (key !== 'oneOf') return value
    return (value as readonly Kind[]).map((kind) => {
      const name = `${Object.keys($defs).length}`
      // Kinds in kinds take their names meanwhile.
      $defs[name] = kind
      $defs[name] = JSON.parse(JSON.stringify(kind, apart)) as Kind
      return { $ref: `#/$defs/${name}` }
    })
  }
  return { ...JSON.parse(JSON.stringify(schema, apart)), $defs }
}

interface Kinds {
  readonly oneOf: readonly { readonly $ref: string }[]
}

/**
 * A refused `kind` comes with those that there are. Where in the schema they stand is told from its
 * root, or from the definition that the function is made of: what is there in several is the same.
 */
function withKinds(code: string, schema: KindsApart): string {
  const asked = /schemaPath:"#([^"]*)\/discriminator",keyword:"discriminator",params:\{/g
  return code.replaceAll(asked, (whole, pointer: string) => {
    const found = [schema, ...Object.values(schema.$defs)].flatMap((root) => {
      const kinds = kindsAt(root, pointer)?.oneOf.map(({ $ref }) => {
        return schema.$defs[$ref.slice('#/$defs/'.length)]?.properties.kind.const
      })
      return kinds === undefined ? [] : [JSON.stringify(kinds)]
    })
    assert(new Set(found).size === 1, `kinds at ${pointer} are not the same everywhere`)
    return `${whole}allowedValues: ${found[0]}, `
  })
}

function kindsAt(root: object, pointer: string): Kinds | undefined {
  const keys = pointer.split('/').slice(1)
  return keys.reduce<unknown>(
    (at, key) => (at as Record<string, unknown> | undefined)?.[key],
    root,
  ) as Kinds | undefined
}

/** Binary is no map, whatever JavaScript says: to take fields off it would throw. */
function withoutBinary(code: string): string {
  const asked = /typeof (\w+) == "object" && !Array\.isArray\(\1\)/g
  const mended = code.replaceAll(asked, '$& && !($1 instanceof Uint8Array)')
  const rest =
    mended.replaceAll(/ && !\(\w+ instanceof Uint8Array\)/g, '').match(/== "object"/g) ?? []
  const found = code.match(asked) ?? []
  assert(found.length === rest.length, 'a validator asks for a map in a way that is not known here')
  return mended
}

const target = (file: string): string =>
  fileURLToPath(new URL(`../protocol/${file}`, import.meta.url))

/** Loads each when it is first asked for: CommonJS, since that can be done without waiting. */
const INDEX = `import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
const validators = {}
for (const name of ${JSON.stringify(Object.keys(MESSAGES))})
  Object.defineProperty(validators, name, {
    configurable: true,
    get() {
      const value = require(\`./validators/\${name}.cjs\`)
      Object.defineProperty(validators, name, { value })
      return value
    },
  })
export default validators
`

/** What is there as it should be is left alone: programs that run may be reading it. */
function write(file: string, text: string): void {
  const path = target(file)
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
}

mkdirSync(target('validators'), { recursive: true })
for (const [name, entry] of Object.entries(MESSAGES)) write(`validators/${name}.cjs`, emit(entry))
write('validators.generated.js', INDEX)
