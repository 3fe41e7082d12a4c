/**
 * Writes the validators of all messages as plain JavaScript beside the compiled protocol, a file for
 * each, so that nothing that runs loads a schema compiler, or the validator of what it never hears.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { _, Ajv, type KeywordCxt } from 'ajv'
import standaloneCode from 'ajv/dist/standalone/index.js'
import { MESSAGES, type MessageEntry } from '../protocol/schema/messages.ts'

/** JavaScript of one CommonJS module that is the validator of `entry`. */
function emit({ schema, strict }: MessageEntry): string {
  const ajv = new Ajv({
    code: { source: true, lines: false },
    discriminator: true,
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
  const compiled = ajv.compile(schema)
  return (standaloneCode as unknown as (a: Ajv, f: typeof compiled) => string)(ajv, compiled)
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

mkdirSync(target('validators'), { recursive: true })
for (const [name, entry] of Object.entries(MESSAGES))
  writeFileSync(target(`validators/${name}.cjs`), emit(entry))
writeFileSync(target('validators.generated.js'), INDEX)
