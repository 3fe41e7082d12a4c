import { readdirSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import test from 'ava'
import { REFUSAL_CODES } from '../../../protocol/errors.ts'
import { MESSAGES } from '../../../protocol/schema/messages.ts'
import { generatedFiles } from '../../../tools/protocol-docs.ts'

const FILES = generatedFiles()
const PAGE = FILES.find(({ path }) => path.endsWith('.md'))?.text ?? ''

test('docs/protocol.md and docs/schema/ are what `npm run docs` writes', (t) => {
  for (const { path, text } of FILES)
    t.is(readFileSync(path, 'utf8'), text, `${path}: npm run docs`)
})

test('docs/schema/ holds nothing else', (t) => {
  const written = FILES.flatMap(({ path }) => /^docs\/schema\/(.*)$/.exec(path)?.[1] ?? [])
  t.deepEqual(readdirSync('docs/schema').toSorted(), written.toSorted())
})

test('the page has a section for each message, a row for each refusal, and no dead link', (t) => {
  for (const name of Object.keys(MESSAGES)) t.true(PAGE.includes(`\n### ${name}\n`), name)
  for (const name of Object.keys(REFUSAL_CODES)) {
    t.regex(PAGE, new RegExp(`\\| \`${name}\` \\| \\d+ \\| \\w`), name)
  }
  const headings = [...PAGE.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
  t.is(new Set(headings).size, headings.length)
  for (const [, link] of PAGE.matchAll(/\]\(#([^)]*)\)/g))
    t.true(headings.includes(link ?? ''), link)
  t.notRegex(PAGE, /undefined|\[object/)
})

test('every message travels somewhere', (t) => {
  for (const section of PAGE.split('\n### ').slice(1)) {
    const [name = ''] = section.split('\n')
    if (name in MESSAGES) t.regex(section, /: (`\{cluster\}|`(bucket|stream) |answers `)/, name)
  }
})

test('each schema is JSON Schema 2020-12, and means what is checked', (t) => {
  const schemas = FILES.filter(({ path }) => path.endsWith('.json')).map(({ text }) =>
    JSON.parse(text),
  )
  t.is(schemas.length, Object.keys(MESSAGES).length)
  const ajv = new Ajv2020({ schemas, strict: false })
  const accepts = (name: string, value: unknown) =>
    ajv.validate(`urn:bourse:protocol:${name}`, value)
  for (const { title } of schemas) t.false(accepts(title, 7), title)
  const tasks = [
    {
      taskId: 't1',
      resources: [{ name: 'ports', ranges: [[1, 2]] }],
      command: { shell: 'true' },
    },
  ]
  const accept = { offers: ['o1'], operations: [{ kind: 'launch', tasks }] }
  t.true(accepts('Accept', accept), ajv.errorsText())
  t.true(accepts('Accept', { ...accept, fieldOfTheFuture: 1 }))
  t.false(accepts('Accept', { ...accept, offers: ['*'] }))
  t.false(accepts('Accept', { ...accept, operations: [{ kind: 'dance' }] }))
  t.true(accepts('Listing', { prefix: 'a' }))
  t.false(accepts('Listing', { fieldOfTheFuture: 1 }))
})
