/** The house style, kept by a machine. The rules stand in test/support/tidy-rules.ts. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import { sourceFiles } from '../tools/source-files.ts'
import { cycles, namesOfTwo, RULES, type SourceFile } from './support/tidy-rules.ts'

/** The rules' own examples, which break them. */
const EXAMPLES = 'test/unit/support/tidy-rules.test.ts'
const files: readonly SourceFile[] = sourceFiles(process.cwd(), ['.ts', '.mjs', '.sh', '.md'])
  .filter((path) => path !== EXAMPLES)
  .map((path) => ({ path, text: readFileSync(path, 'utf8') }))

for (const [title, rule] of Object.entries(RULES)) {
  test(title, (t) => {
    const broken = files.flatMap((file) => rule(file).map((problem) => `${file.path}: ${problem}`))
    t.deepEqual(broken, [])
  })
}

test('no file imports itself by a detour', (t) => {
  t.deepEqual(cycles(files), [])
})

test('no two files of a machine’s side export the same name', (t) => {
  t.deepEqual(namesOfTwo(files), [])
})
