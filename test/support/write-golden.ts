/** `npm run docs` ends with this: writes the golden corpus anew. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GOLDEN_FOLDER, goldenFiles } from './golden.ts'

rmSync(GOLDEN_FOLDER, { recursive: true, force: true })
mkdirSync(GOLDEN_FOLDER, { recursive: true })
for (const [name, bytes] of goldenFiles()) writeFileSync(join(GOLDEN_FOLDER, name), bytes)
