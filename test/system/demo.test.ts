/**
 * The demo as a stranger runs it: words are counted and checked, whatever dies, and nothing stays.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ava, { type ExecutionContext } from 'ava'
import { testBinary } from '../support/nats.ts'
import { needs } from '../support/needs.ts'
import { asOrdinaryUser, mayAllRead } from '../support/ordinary-user.ts'

/** One after the other: each is a whole cluster. */
const test = ava.serial

const DEMO = fileURLToPath(new URL('../../tools/demo/main.js', import.meta.url))
const DEMO_FOLDER = dirname(DEMO)

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface Start {
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly as?: typeof asOrdinaryUser
}

/** All temporary files of a demo lie in a folder of its own, so that what is left is its own. */
async function startDemo(t: ExecutionContext, { args, env, as = {} }: Start) {
  const temporary = aTemporaryFolder(t)
  const whole = {
    ...(env ?? { ...process.env, NATS_SERVER: await testBinary() }),
    TMPDIR: temporary,
  }
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const child = spawn(process.execPath, [DEMO, ...args], { env: whole, stdio: [...stdio], ...as })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (data: string) => (said.stdout += data))
  child.stderr.setEncoding('utf8').on('data', (data: string) => (said.stderr += data))
  const ran = once(child, 'close').then(([code]): Ran => ({ code, ...said }))
  return { child, temporary, ran }
}

/** For everybody to write to. */
function aTemporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-demo-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o777)
  return folder
}

/** Chance decides what is killed in the middle of what. */
const KILLED_TIMES = process.env['BOURSE_LONG'] === '1' ? 3 : 1

const HOSTILE = [
  'plain',
  'with space',
  "it's",
  '"quoted"',
  'new\nline',
  '-n',
  '$(reboot)',
  'a=b',
  'ü☂',
]

/** So much text that some tasks run while others wait. */
function aFolder(t: ExecutionContext): string {
  const folder = aTemporaryFolder(t)
  mkdirSync(join(folder, 'below here'))
  for (const [i, name] of HOSTILE.entries()) {
    writeFileSync(join(folder, name), `The cat's hat, the ${name} `.repeat(400 * (i + 1)))
    writeFileSync(join(folder, 'below here', name), `no line end ${i}`)
  }
  return folder
}

interface Document {
  readonly words: number
  readonly top: readonly (readonly [string, number])[]
  readonly tasks: readonly { readonly state: string; readonly agentId: string }[]
  readonly kills: readonly { readonly what: string; readonly backMs: number }[]
  readonly equal: boolean
  readonly leftBehind: readonly string[]
  readonly faults: readonly string[]
}

async function demo(t: ExecutionContext, ...args: string[]): Promise<Document> {
  const { ran, temporary } = await startDemo(t, { args: ['--json', ...args] })
  const { code, stdout, stderr } = await ran
  t.is(stderr, '')
  t.is(code, 0)
  t.deepEqual(readdirSync(temporary), [])
  const document: Document = JSON.parse(stdout)
  t.true(document.equal)
  t.deepEqual([document.leftBehind, document.faults], [[], []])
  return document
}

test('the same words again with an agent and the leader killed in the middle', async (t) => {
  t.timeout(120_000)
  const folder = aFolder(t)
  const first = await demo(t, folder)
  t.deepEqual(first.top[0], ['the', 2 * 400 * 45])
  t.true(new Set(first.tasks.map(({ agentId }) => agentId)).size > 1)
  for (let i = 1; i <= KILLED_TIMES; i++) {
    const killed = await demo(t, folder, '--kill-agent', '--kill-master')
    t.deepEqual([killed.words, killed.top], [first.words, first.top])
    t.deepEqual(
      killed.kills.map(({ what }) => what),
      ['master', 'agent'],
    )
    t.true(killed.kills.every(({ backMs }) => backMs > 0))
  }
})

test('people see words, tasks, agents and the check', async (t) => {
  const { ran } = await startDemo(t, { args: [aFolder(t)] })
  const { code, stdout, stderr } = await ran
  t.is(code, 0)
  t.regex(stderr, /^nats-server and master-1, .*, agent-3 run after [\d.]+ s$/m)
  t.regex(stdout, /^the +36000 {2}█{40}$/m)
  t.regex(stdout, /^AGENT +COUNTED +WORDS +OFFERS +ACCEPTED +DECLINED +WHY DECLINED$/m)
  t.regex(stdout, /^the same \d+ words, \d+ different ones, counted without the cluster: equal$/m)
  t.regex(stdout, /^left behind: 0$/m)
})

test('Ctrl-C in the middle ends all of it', async (t) => {
  const { child, ran, temporary } = await startDemo(t, { args: [aFolder(t)] })
  const counting = new Promise<void>((resolve) => {
    child.stderr.on('data', (data: string) => {
      if (data.includes('parts')) resolve()
    })
  })
  await Promise.race([counting, ran])
  child.kill('SIGINT')
  const { code } = await ran
  t.is(code, 130)
  t.deepEqual(readdirSync(temporary), [])
})

test('what cannot be is said in a sentence', async (t) => {
  const empty = aTemporaryFolder(t)
  const cases = [
    { args: [join(empty, 'nowhere')], code: 64, says: /^demo: there is no folder .*nowhere\n$/ },
    { args: [DEMO], code: 64, says: /^demo: \/.* is no folder: [^\n]*\n$/ },
    { args: [empty], code: 1, says: /^demo: .* holds no text file$/m },
    {
      args: ['--nats-server', '/nowhere/nats'],
      code: 1,
      says: /^demo: \/nowhere\/nats is no nats-server/m,
    },
    { args: ['--kill-all'], code: 64, says: /^demo: Unknown option '--kill-all'/m },
  ]
  for (const { args, code, says } of cases) {
    const { ran, temporary } = await startDemo(t, { args })
    const { stdout, stderr, ...ended } = await ran
    t.like(ended, { code })
    t.regex(stderr, says)
    t.is(stdout, '')
    t.deepEqual(readdirSync(temporary), [])
  }
})

test('an ordinary user needs no rights for it', async (t) => {
  const found = mayAllRead(DEMO_FOLDER)
  if (!needs(t, { name: 'a checkout that everybody may read', found })) return
  const home = aTemporaryFolder(t)
  const server = join(home, 'nats-server')
  copyFileSync(await testBinary(), server)
  chmodSync(server, 0o755)
  const env = { PATH: process.env['PATH'], HOME: home, NATS_SERVER: server }
  const args = [aFolder(t), '--kill-agent']
  const { ran, temporary } = await startDemo(t, { args, env, as: asOrdinaryUser })
  const { code, stdout, stderr } = await ran
  t.is(code, 0, stderr)
  t.regex(stdout, /counted without the cluster: equal\nleft behind: 0$/m)
  t.deepEqual([readdirSync(temporary), readdirSync(home)], [[], ['nats-server']])
})
