/** The example of the library as its readers would run it: beside a `bourse dev`, and told nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { Actor } from '../support/cluster.ts'

const HELLO = fileURLToPath(new URL('../../examples/hello-scheduler.js', import.meta.url))

test('hello-scheduler finds the running dev, runs its task and ends by itself', async (t) => {
  t.timeout(60_000)
  const folder = mkdtempSync(join(tmpdir(), 'bourse-example-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const { NATS_URL: _url, NATS_CONTEXT: _context, ...rest } = process.env
  const env = { ...rest, BOURSE_STATE_DIR: folder, XDG_CONFIG_HOME: folder }

  const early = await runHello(env)
  t.is(early.code, 1)
  t.regex(early.stderr, /no cluster here: start one with `bourse dev`, or set NATS_URL/)

  const dev = new Actor(['dev', '--agents', '1'], env)
  t.teardown(() => dev.end('SIGKILL'))
  await dev.start()
  const hello = await runHello(env)
  t.deepEqual(hello, { code: 0, stdout: 'hello, world\nTASK_RUNNING\nTASK_FINISHED\n', stderr: '' })
  t.deepEqual(await runHello(env), hello, 'and again')
  t.is(await dev.end('SIGINT'), 0)
})

test('hello-scheduler is ten lines, and the page that explains it shows them', (t) => {
  const [, ...code] = readFileSync('examples/hello-scheduler.ts', 'utf8').split('\n')
  t.true(code.filter((line) => line !== '' && line !== '}').length <= 10)
  const own = code.join('\n').replace('../actors/scheduler/scheduler.ts', 'bourse/scheduler')
  const page = readFileSync('docs/framework-in-typescript.md', 'utf8')
  t.true(page.includes(`\`\`\`ts\n${own}\`\`\``), 'its first block')
})

async function runHello(env: NodeJS.ProcessEnv) {
  const example = spawn(process.execPath, [HELLO], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = once(example, 'exit')
  const [stdout, stderr] = await Promise.all([text(example.stdout), text(example.stderr)])
  const [code] = await exit
  return { code, stdout, stderr }
}
