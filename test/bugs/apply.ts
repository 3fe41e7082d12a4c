/** Known bugs, as patches: each is put into a copy of the source, and the copy is built. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** What finds a bug: a copy has what it needs, and no more. */
export interface Finder {
  readonly copied: readonly string[]
  /** With all that it imports. */
  readonly compiled: readonly string[]
  /** Tools that complete what was compiled. */
  readonly finish: readonly string[]
}

const SOURCE = ['protocol', 'bus', 'actors', 'agent-runtime']
const ALWAYS = ['package.json', 'tsconfig.json', 'tools']
const VALIDATORS = 'tools/emit-validators'
const FINISH = 'tools/finish-build'

export const SIMULATOR: Finder = {
  copied: [...ALWAYS, ...SOURCE, 'cli', 'test'],
  compiled: ['test/sim/simulate.ts', 'test/sim/worker.ts', `${VALIDATORS}.ts`],
  finish: [VALIDATORS],
}

/** Real processes start others by their paths: folders are compiled as a whole. */
export const CHAOS: Finder = {
  copied: [...ALWAYS, ...SOURCE, 'frameworks', 'cli', 'test', 'nats.conf'],
  compiled: [
    ...SOURCE,
    'frameworks',
    'cli',
    'test/chaos',
    'test/lab',
    `${VALIDATORS}.ts`,
    `${FINISH}.ts`,
  ],
  finish: [VALIDATORS, FINISH],
}

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

export interface Built {
  /** The caller's to remove. */
  readonly folder: string
  /** The patch does not apply, or what comes of it does not compile. */
  readonly problem?: string
}

/** A copy of the source in a folder of its own; without a bug, as it is. */
export function buildWith(bug: string | undefined, finder: Finder): Built {
  const folder = mkdtempSync(join(tmpdir(), `bourse-bug-${bug ?? 'none'}-`))
  for (const path of finder.copied)
    cpSync(join(PROJECT, path), join(folder, path), { recursive: true })
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'))
  const config = { extends: './tsconfig.json', include: finder.compiled, ...LOOSE }
  writeFileSync(join(folder, 'tsconfig.bug.json'), JSON.stringify(config))
  const unfit = bug === undefined ? undefined : apply(bug, folder, [])
  const problem = unfit ?? compile(folder, finder)
  return problem === undefined ? { folder } : { folder, problem }
}

/** A bug may leave something unused. */
const LOOSE = { compilerOptions: { noUnusedLocals: false, noUnusedParameters: false } }

function compile(folder: string, { finish }: Finder): string | undefined {
  const tsc = join(folder, 'node_modules', 'typescript', 'bin', 'tsc')
  const run = (...args: readonly string[]): void =>
    void execFileSync(process.execPath, args, { cwd: folder, stdio: 'pipe' })
  try {
    run(tsc, '--project', 'tsconfig.bug.json')
    for (const tool of finish) run(join('dist', `${tool}.js`))
    return undefined
  } catch (error) {
    return String((error as { readonly stdout?: Buffer }).stdout ?? error)
  }
}
