/**
 * What the compiler leaves undone: puts the shell scripts beside the code that starts them and
 * makes the command executable. Works on the tree that it was compiled into.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sourceFiles } from './source-files.ts'

const compiled = dirname(import.meta.dirname)

for (const path of sourceFiles(process.cwd(), ['.sh'])) {
  const copy = join(compiled, path)
  mkdirSync(dirname(copy), { recursive: true })
  copyFileSync(path, copy)
  chmodSync(copy, 0o755)
}
const command = join(compiled, 'cli', 'main.js')
if (existsSync(command)) chmodSync(command, 0o755)
