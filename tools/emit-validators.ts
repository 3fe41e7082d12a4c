/**
 * Writes the validators of all messages as plain JavaScript beside the compiled protocol, so that
 * nothing that runs loads a schema compiler.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { _, Ajv, type KeywordCxt } from 'ajv'
import standaloneCode from 'ajv/dist/standalone/index.js'
import { MESSAGES, type MessageEntry } from '../protocol/schema/messages.ts'

const entries = Object.entries(MESSAGES) as [string, MessageEntry][]

/** JavaScript of one module that exports a validator for each of `names`. */
function emit(names: readonly string[], removeAdditional: boolean): string {
  const ajv = new Ajv({
    code: { source: true, esm: true, lines: false },
    discriminator: true,
    // Without this, string lengths are counted in code points by a helper that is not bundled.
    unicode: false,
    removeAdditional,
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
  for (const [name, { schema }] of entries) if (names.includes(name)) ajv.addSchema(schema, name)
  const refs = Object.fromEntries(names.map((name) => [name, name]))
  return (standaloneCode as unknown as (a: Ajv, r: Record<string, string>) => string)(ajv, refs)
}

const strict = entries.filter(([, { strict }]) => strict).map(([name]) => name)
const open = entries.filter(([, { strict }]) => !strict).map(([name]) => name)
const target = (file: string): string =>
  fileURLToPath(new URL(`../protocol/${file}`, import.meta.url))

writeFileSync(target('validators.open.generated.js'), emit(open, true))
writeFileSync(target('validators.strict.generated.js'), emit(strict, false))
writeFileSync(
  target('validators.generated.js'),
  [
    "import * as open from './validators.open.generated.js'",
    "import * as strict from './validators.strict.generated.js'",
    'export default { ...open, ...strict }',
    '',
  ].join('\n'),
)
