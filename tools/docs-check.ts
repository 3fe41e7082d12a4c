/**
 * `npm run docs:check [-- FILES]`: runs every ` ```console ` block of README.md and docs/*.md in
 * the order of the page, each command in its own shell at the project's root, and compares what it
 * prints (both streams) with the page. A command that ends with ` &` runs until the end of its
 * page.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findServer } from '../bus/nats/find-server.ts'
import { type Block, consoleBlocks, matches, type Step } from './console-blocks.ts'
import { sourceFiles } from './source-files.ts'

const COMMAND_MS_MAX = 120_000
/** How long a command that stays may take until it has printed what the page shows. */
const START_MS_MAX = 30_000

/** No cluster of the reader's own is used, or disturbed. */
const rest = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(NATS|BOURSE)_/.test(name)),
)
/** As on a machine where all is installed, nats-server, too. */
const server = await findServer({ env: process.env, say: console.log })

/** A page that is being checked. Each begins with nothing that another one has left. */
class Page {
  readonly folder = mkdtempSync(join(tmpdir(), 'bourse-docs-'))
  readonly environment = {
    ...rest,
    NATS_SERVER: server,
    BOURSE_STATE_DIR: this.folder,
    XDG_CONFIG_HOME: this.folder,
    // What pages call a folder of the reader's own.
    DIR: join(this.folder, 'dir'),
    PATH: `${process.cwd()}/node_modules/.bin:${process.env['PATH']}:${dirname(server)}`,
  }
  readonly started: ChildProcess[] = []
  /** What runs until the page's end. */
  readonly staying: ChildProcess[] = []
}

const pages: Page[] = []
process.once('exit', () => {
  for (const { started, folder } of pages) {
    for (const child of started) end(child, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Starts a command as the leader of its own process group, so that all of it can be ended. */
function start(command: string, env: Page['environment']) {
  let output = ''
  const child = spawn('bash', ['-c', `exec 2>&1\n${command}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env,
    detached: true,
  })
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  return { child, printed: () => output }
}

const isRunning = (child: ChildProcess): boolean =>
  child.exitCode === null && child.signalCode === null

function end(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || !isRunning(child)) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The group is gone already: that is what was wanted.
  }
}

/** What was printed instead of what the page shows; undefined if the step went as written. */
async function runStep({ command, stays, expected }: Step, page: Page) {
  const { child, printed } = start(command, page.environment)
  page.started.push(child)
  if (stays) {
    page.staying.push(child)
    const deadlineMs = performance.now() + START_MS_MAX
    const isUp = (): boolean => matches([...expected, '…'], printed())
    while (!isUp() && isRunning(child) && performance.now() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, 50))
    return isUp() ? undefined : printed()
  }
  const timer = setTimeout(() => end(child, 'SIGKILL'), COMMAND_MS_MAX)
  await once(child, 'close')
  clearTimeout(timer)
  return matches(expected, printed()) ? undefined : printed()
}

async function runBlock({ steps }: Block, page: Page): Promise<string | undefined> {
  for (const step of steps) {
    const printed = await runStep(step, page)
    if (printed === undefined) continue
    const indented = (text: string): string => text.trimEnd().replaceAll(/^/gm, '    ')
    return [
      `  $ ${step.command}`,
      `  was to print:\n${indented(step.expected.join('\n'))}`,
      `  printed:\n${indented(printed)}`,
    ].join('\n')
  }
  return undefined
}

async function checkPage(path: string): Promise<boolean> {
  const page = new Page()
  pages.push(page)
  let isGood = true
  for (const block of consoleBlocks(readFileSync(path, 'utf8'))) {
    const problem = await runBlock(block, page)
    console.log(`${problem === undefined ? 'ok    ' : 'FAILED'} ${path}:${block.line}`)
    if (problem !== undefined) console.log(problem)
    isGood &&= problem === undefined
  }
  for (const child of page.staying.toReversed()) {
    const gone = isRunning(child) ? once(child, 'exit') : undefined
    end(child, 'SIGINT')
    const timer = setTimeout(() => end(child, 'SIGKILL'), START_MS_MAX)
    await gone
    clearTimeout(timer)
  }
  return isGood
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.once(signal, () => process.exit(code))
const named = process.argv.slice(2)
const all = sourceFiles(process.cwd(), ['.md']).filter((path) =>
  /^(README|docs\/[^/]+)\.md$/.test(path),
)
for (const page of named.length > 0 ? named : all)
  if (!(await checkPage(page))) process.exitCode = 1
