/** `npm run docs`: writes docs/protocol.md and docs/schema/. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { generatedFiles } from './protocol-docs.ts'

rmSync('docs/schema', { recursive: true, force: true })
for (const { path, text } of generatedFiles()) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
