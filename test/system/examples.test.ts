/**
 * Examples on the library as their readers would run them: beside a `bourse dev`, and told nothing.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { Actor } from '../support/cluster.ts'

const HELLO = fileURLToPath(new URL('../../examples/hello-scheduler.js', import.meta.url))
const SERVICE_TEST = fileURLToPath(
  new URL('../../examples/testing/service-test.js', import.meta.url),
)
const WORD_COUNT = fileURLToPath(new URL('../../examples/word-count/main.js', import.meta.url))

test('hello-scheduler finds the running dev, runs its task and ends by itself', async (t) => {
  t.timeout(60_000)
  const env = anEnvironment(t)

  const early = await runExample(env, HELLO)
  t.is(early.code, 1)
  t.regex(early.stderr, /no cluster here: start one with `bourse dev`, or set NATS_URL/)

  const dev = new Actor(['dev', '--agents', '1'], env)
  t.teardown(() => dev.end('SIGKILL'))
  await dev.start()
  const hello = await runExample(env, HELLO)
  t.deepEqual(hello, { code: 0, stdout: 'hello, world\nTASK_RUNNING\nTASK_FINISHED\n', stderr: '' })
  t.deepEqual(await runExample(env, HELLO), hello, 'and again')
  t.is(await dev.end('SIGINT'), 0)
})

test('hello-scheduler is ten lines, and the pages that show it show all of them', (t) => {
  const [, ...code] = readFileSync('examples/hello-scheduler.ts', 'utf8').split('\n')
  t.true(code.filter((line) => line !== '' && line !== '}').length <= 10)
  const own = code.join('\n').replace('../actors/scheduler/scheduler.ts', 'bourse/scheduler')
  for (const page of ['README.md', 'docs/framework-in-typescript.md'])
    t.true(readFileSync(page, 'utf8').includes(`\`\`\`ts\n${own}\`\`\``), page)
})

test('the tests of a service run on a simulated cluster, without a server', async (t) => {
  const env = { PATH: process.env['PATH'] }
  const tests = spawn(process.execPath, ['--test', SERVICE_TEST], { env, stdio: 'pipe' })
  const exit = once(tests, 'exit')
  t.regex(await text(tests.stdout), /^# pass 4$/m)
  t.deepEqual(await exit, [0, null])
})

test('the simulated cluster of these tests takes five lines at most', (t) => {
  const [, story = ''] =
    /async function story[^\n]*\n([\s\S]*?)^}$/m.exec(
      readFileSync('examples/testing/service-test.ts', 'utf8'),
    ) ?? []
  t.is(story.trim().split('\n').length, 5)
})

test('word-count shows people what it counts, and ends whoever is gone: its user, owner or leader', async (t) => {
  t.timeout(60_000)
  const env = anEnvironment(t)
  const dev = new Actor(['dev', '--agents', '2'], env)
  t.teardown(() => dev.end('SIGKILL'))
  await dev.start()
  const folder = mkdtempSync(join(tmpdir(), 'bourse-words-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'large.txt'), 'The cat, the hat.\n'.repeat(500_000))
  const count = await runExample(env, WORD_COUNT, folder)
  t.is(count.code, 0, count.stderr)
  const bars = ['the  1000000  ████', 'cat   500000  ██', 'hat   500000  ██']
  for (const bar of bars) t.true(count.stdout.includes(bar), count.stdout)
  t.regex(count.stdout, /^agent-1 ran count-\d+ .*; offers: \d+, accepted \d+, declined \d+$/m)
  t.regex(count.stderr, /^1 text file of .*, in 12 parts/)

  const stopped = await runningCount(t, env, folder)
  stopped.child.kill('SIGINT')
  t.deepEqual(await stopped.exit, [1, null])
  t.regex(stopped.said(), /^word-count: it was told to end$/m)

  const orphan = await runningCount(t, env, folder)
  orphan.child.disconnect()
  t.deepEqual(await orphan.exit, [1, null])
  t.regex(orphan.said(), /^word-count: it was told to end$/m)

  const alone = await runningCount(t, env, folder)
  process.kill(dev.pid, 'SIGSTOP')
  alone.child.kill('SIGTERM')
  t.deepEqual(await alone.exit, [1, null])
  process.kill(dev.pid, 'SIGCONT')

  const wrong = await runExample(env, WORD_COUNT)
  t.like(wrong, { code: 64, stderr: 'usage: main.js FOLDER [--json]\n' })
  t.is(await dev.end('SIGINT'), 0)
})

/** A word count that has begun; somebody may die who holds the other end of its channel. */
async function runningCount(t: ExecutionContext, env: NodeJS.ProcessEnv, folder: string) {
  const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as const
  const child = spawn(process.execPath, [WORD_COUNT, folder], { env, stdio: [...stdio] })
  t.teardown(() => child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  let said = ''
  const begun = new Promise<void>((resolve) => {
    child.stderr?.setEncoding('utf8').on('data', (data: string) => {
      said += data
      if (said.includes('running')) resolve()
    })
  })
  await Promise.race([begun, exit])
  return { child, exit, said: () => said }
}

function anEnvironment(t: ExecutionContext): NodeJS.ProcessEnv {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-example-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const { NATS_URL: _url, NATS_CONTEXT: _context, ...rest } = process.env
  return { ...rest, BOURSE_STATE_DIR: folder, XDG_CONFIG_HOME: folder }
}

async function runExample(env: NodeJS.ProcessEnv, path: string, ...args: string[]) {
  const options = { env, stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'] }
  const example = spawn(process.execPath, [path, ...args], options)
  const exit = once(example, 'exit')
  const [stdout, stderr] = await Promise.all([text(example.stdout), text(example.stderr)])
  const [code] = await exit
  return { code, stdout, stderr }
}
