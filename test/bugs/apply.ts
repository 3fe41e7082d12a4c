/** Known bugs, as patches: each is put into a copy of the source, and the copy is built. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** What a simulation needs, and no more. */
const FOLDERS = ['protocol', 'bus', 'actors', 'agent-runtime', 'test/sim']
const FILES = ['package.json', 'tsconfig.json', 'tools/emit-validators.ts']
const ROOTS = ['test/sim/simulate.ts', 'test/sim/worker.ts', 'tools/emit-validators.ts']

/** The folder in which `package.json` stands, from wherever this was compiled to. */
export const PROJECT = rootAbove(import.meta.dirname)

function rootAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootAbove(dirname(folder))
}

const patchFolder = join(PROJECT, 'test', 'bugs')

export const BUGS: readonly string[] = readdirSync(patchFolder)
  .filter((name) => name.endsWith('.patch'))
  .map((name) => name.slice(0, -'.patch'.length))
  .sort()

/** A sentence of git's, if the patch does not fit the source any more. */
export function problemOf(bug: string, folder = PROJECT): string | undefined {
  return apply(bug, folder, ['--check'])
}

function apply(bug: string, folder: string, options: readonly string[]): string | undefined {
  const patch = join(patchFolder, `${bug}.patch`)
  try {
    execFileSync('git', ['apply', ...options, patch], { cwd: folder, stdio: 'pipe' })
    return undefined
  } catch (error) {
    return String((error as { readonly stderr?: Buffer }).stderr ?? error)
  }
}

/**
 * A copy of the source in a folder of its own, which is the caller's to remove.
 * `problem`: the patch does not apply, or what comes of it does not compile.
 */
export function buildWith(bug: string): { readonly folder: string; readonly problem?: string } {
  const folder = mkdtempSync(join(tmpdir(), `bourse-bug-${bug}-`))
  for (const path of [...FOLDERS, ...FILES])
    cpSync(join(PROJECT, path), join(folder, path), { recursive: true })
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'))
  const config = { extends: './tsconfig.json', include: [], files: ROOTS, ...LOOSE }
  writeFileSync(join(folder, 'tsconfig.bug.json'), JSON.stringify(config))
  const problem = apply(bug, folder, []) ?? compile(folder)
  return problem === undefined ? { folder } : { folder, problem }
}

/** A bug may leave something unused. */
const LOOSE = { compilerOptions: { noUnusedLocals: false, noUnusedParameters: false } }

function compile(folder: string): string | undefined {
  const tsc = join(folder, 'node_modules', 'typescript', 'bin', 'tsc')
  const run = (...args: readonly string[]): void =>
    void execFileSync(process.execPath, args, { cwd: folder, stdio: 'pipe' })
  try {
    run(tsc, '--project', 'tsconfig.bug.json')
    run(join('dist', 'tools', 'emit-validators.js'))
    return undefined
  } catch (error) {
    return String((error as { readonly stdout?: Buffer }).stdout ?? error)
  }
}
