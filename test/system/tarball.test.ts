/** What is published works: packed, installed in an empty folder, and a cluster started from it. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'

const run = promisify(execFile)

test('the packed tarball, installed in an empty folder, runs a cluster and a command', async (t) => {
  t.timeout(120_000)
  const folder = mkdtempSync(join(tmpdir(), 'bourse-tarball-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const packed = await run('npm', args, { cwd: checkoutIn(folder) })
  const [{ filename }] = JSON.parse(packed.stdout)
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', join(folder, filename)]
  await run('npm', install, { cwd: folder })
  t.deepEqual(deadLinks(join(folder, 'node_modules', 'bourse')), [])

  const bourse = join(folder, 'node_modules', '.bin', 'bourse')
  const env = { ...process.env, BOURSE_STATE_DIR: join(folder, 'state') }
  const dev = spawn(bourse, ['dev', '--agents', '2', '--json'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.teardown(() => dev.kill('SIGKILL'))
  const ended = once(dev, 'exit')
  t.like(await ready(dev.stderr), { cluster: 'bourse', agents: 2 })
  const hello = await run(bourse, ['run', '--', 'echo', 'hello'], { cwd: folder, env })
  t.is(hello.stdout, 'hello\n')
  await writesFrameworks(t, folder, env)

  dev.kill('SIGINT')
  const [code] = await ended
  t.is(code, 0)
})

/** What is published is taken from these, so nothing else is copied. */
const PUBLISHED: { readonly files: readonly string[] } = JSON.parse(
  readFileSync('package.json', 'utf8'),
)
/** This build. */
const BUILD = fileURLToPath(new URL('../..', import.meta.url))

/** A checkout below `folder` whose `dist/` is this build. */
function checkoutIn(folder: string): string {
  const checkout = join(folder, 'checkout')
  const roots = PUBLISHED.files.map((pattern) => pattern.split('/')[0] ?? '')
  for (const root of new Set(['package.json', ...roots]))
    if (root !== 'dist' && existsSync(root))
      cpSync(root, join(checkout, root), { recursive: true, dereference: true })
  cpSync(BUILD, join(checkout, 'dist'), { recursive: true })
  return checkout
}

/** Links of its pages to files of its own that it does not hold. */
function deadLinks(root: string): readonly string[] {
  const pages = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.md') && !path.includes('node_modules'),
  )
  return pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#\s:]+)(?:#[^)]*)?\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !existsSync(join(root, dirname(page), link)))
      .map((link) => `${page}: ${link}`),
  )
}

/**
 * What the page about frameworks shows works here: all of it compiles, and its first block runs.
 */
async function writesFrameworks(
  t: ExecutionContext,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const page = readFileSync('docs/framework-in-typescript.md', 'utf8')
  const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
  const [first = '', ...rest] = blocks
  writeFileSync(join(folder, 'hello.mjs'), first)
  const hello = await run(process.execPath, ['hello.mjs'], { cwd: folder, env })
  t.is(hello.stdout, 'hello, world\nTASK_RUNNING\nTASK_FINISHED\n')

  const tests = rest.find((code) => code.includes("from 'bourse/testing'")) ?? ''
  writeFileSync(join(folder, 'service-test.mjs'), tests)
  const tested = await run(process.execPath, ['--test', 'service-test.mjs'], { cwd: folder, env })
  t.regex(tested.stdout, /^# pass 1$/m)

  const files = [first, ...rest.map((code) => `${PREAMBLE}${code}`)].map((code, index) => {
    writeFileSync(join(folder, `block-${index}.mts`), code)
    return `block-${index}.mts`
  })
  t.true(files.length > 5)
  const typeRoots = join(process.cwd(), 'node_modules', '@types')
  const tsc = join(process.cwd(), 'node_modules', '.bin', 'tsc')
  const flags = ['--strict', '--noEmit', '--skipLibCheck', '--module', 'nodenext']
  const libraries = ['--target', 'es2023', '--lib', 'es2023,esnext.disposable']
  const types = ['--types', 'node', '--typeRoots', typeRoots]
  const args = [...flags, ...libraries, ...types, ...files]
  const { stdout } = await run(tsc, args, { cwd: folder }).catch((error) => error)
  t.is(stdout, '')

  writeFileSync(join(folder, 'plain.mts'), PLAIN)
  const older = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022']
  const plain = await run(tsc, [...older, '--types', '', 'plain.mts'], { cwd: folder }).catch(
    (error) => error,
  )
  t.is(plain.stdout, '', 'its types need no library of their reader')
}

const PLAIN = `
import { openScheduler, type Scheduler } from 'bourse/scheduler'
export const open = (): Promise<Scheduler> => openScheduler({ name: 'plain' })
`

/** What the later blocks of the page take for granted. */
const PREAMBLE = `
import {
  ClusterError, isTerminal, openScheduler, type ResourceWish, type Scheduler, type TaskStatus,
} from 'bourse/scheduler'
declare const scheduler: Scheduler
declare const waiting: string[]
declare function writeDown(what: Partial<TaskStatus>): Promise<void>
`

/** The line that says so. What comes after it is read and passed over. */
function ready(stderr: Readable): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const said: string[] = []
    const lines = createInterface({ input: stderr })
    lines.on('line', (text) => {
      said.push(text)
      const line: { message?: string } = text.startsWith('{') ? JSON.parse(text) : {}
      if (line.message === 'ready') resolve(line)
    })
    lines.on('close', () => reject(new Error(`it ended: ${said.join('; ')}`)))
  })
}
