/**
 * What the compiler leaves undone: puts the shell scripts beside the code that starts them and
 * makes the command executable. Works on the tree that it was compiled into (`dist/` or a side
 * build). Of `dist/` the command is linked to where npm puts those of packages: it does not for
 * one's own.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
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
const commands = 'node_modules/.bin'
if (compiled === join(process.cwd(), 'dist') && existsSync(commands)) {
  const link = join(commands, 'bourse')
  rmSync(link, { force: true })
  symlinkSync(relative(commands, command), link)
}
