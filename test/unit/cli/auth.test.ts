import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { compare } from 'bcryptjs'
import { runCommandLine } from '../../../cli/program.ts'
import { BOURSE } from '../../support/cluster.ts'
import { recordingIo } from '../../support/io.ts'

interface Folder {
  readonly folder: string
  /** Runs `bourse auth ARGS`; `DIR` is the folder. */
  readonly auth: (args: string) => Promise<{ code: number; stdout: string; stderr: string }>
  readonly read: (name: string) => string
}

function aFolder(t: ExecutionContext): Folder {
  const parent = mkdtempSync(join(tmpdir(), 'bourse-auth-'))
  t.teardown(() => rmSync(parent, { recursive: true }))
  const folder = join(parent, 'cluster')
  return {
    folder,
    async auth(args) {
      const { io, printed } = recordingIo()
      const words = args.split(' ').map((word) => (word === 'DIR' ? folder : word))
      return { code: await runCommandLine(['auth', ...words], io), ...printed() }
    },
    read: (name) => readFileSync(join(folder, name), 'utf8'),
  }
}

async function initialised(t: ExecutionContext): Promise<Folder> {
  const folder = aFolder(t)
  t.is((await folder.auth('init DIR')).code, 0)
  return folder
}

interface ListedUser {
  readonly kind: string
  readonly credentials: string
}

async function listed({ auth }: Folder): Promise<readonly ListedUser[]> {
  return JSON.parse((await auth('list --dir DIR --json')).stdout)
}

test('init writes the configuration of a server, and users to begin with', async (t) => {
  const { auth, read, folder } = aFolder(t)
  const { code, stdout } = await auth('init DIR --cluster west --listen 10.0.0.1:4333 --json')
  t.is(code, 0)
  t.deepEqual(JSON.parse(stdout), {
    cluster: 'west',
    config: join(folder, 'nats.conf'),
    users: [
      { user: 'master m1', file: join(folder, 'master-m1.nk') },
      { user: 'allocator a1', file: join(folder, 'allocator-a1.nk') },
      { user: 'operator local', file: join(folder, 'operator-local.nk') },
      { user: 'observer local', file: join(folder, 'observer-local.nk') },
    ],
  })
  const config = read('nats.conf')
  t.regex(config, /^host: "10\.0\.0\.1"\nport: 4333$/m)
  t.true(config.includes(`jetstream: { store_dir: "${folder}/nats" }`))
  t.regex(config, /^max_payload: 512KB$/m)
  t.regex(config, /^include "users\.conf"\n$/m)
  t.regex(read('users.conf'), /"west\.master\.peer\.m1"/)
})

test('without --listen the server stays on loopback', async (t) => {
  const { read } = await initialised(t)
  t.regex(read('nats.conf'), /^host: "127\.0\.0\.1"\nport: 4222$/m)
})

test.serial('a server of another user can read what it needs, whatever the umask', async (t) => {
  const before = process.umask(0o077)
  const { folder } = await initialised(t)
  process.umask(before)
  for (const name of ['nats.conf', 'users.conf'])
    t.is(statSync(join(folder, name)).mode & 0o777, 0o644, name)
})

test('a second init changes nothing', async (t) => {
  const { auth, read } = await initialised(t)
  const before = read('users.conf')
  t.is((await auth('init DIR')).code, 64)
  t.is(read('users.conf'), before)
})

test('a key: its seed is for its owner alone, the server knows the public half', async (t) => {
  const folder = await initialised(t)
  await folder.auth('add agent a-1 --dir DIR')
  const path = join(folder.folder, 'agent-a-1.nk')
  t.is(statSync(path).mode & 0o777, 0o600)
  const seed = folder.read('agent-a-1.nk')
  t.regex(seed, /^SU[A-Z2-7]{56}\n$/)
  t.false(folder.read('users.conf').includes(seed.trim()))
  const agent = (await listed(folder)).find(({ kind }) => kind === 'agent')
  t.regex(agent?.credentials ?? '', /^U[A-Z2-7]{55}$/)
})

test('a password: its owner has it, the server a hash', async (t) => {
  const { auth, read, folder } = await initialised(t)
  await auth('add framework alice word-count --dir DIR --password')
  t.is(statSync(join(folder, 'framework-alice.word-count.login')).mode & 0o777, 0o600)
  const [user, password = ''] = read('framework-alice.word-count.login').trim().split(':')
  t.is(user, 'framework-alice.word-count')
  t.regex(password, /^[0-9a-f]{48}$/)
  const users = read('users.conf')
  t.false(users.includes(password))
  const [, hash = ''] = /user: "framework-alice\.word-count", password: "([^"]+)"/.exec(users) ?? []
  t.true(await compare(password, hash))
})

test('who is there stays when others come and go', async (t) => {
  const folder = await initialised(t)
  const before = await listed(folder)
  await folder.auth('add framework alice --dir DIR --password')
  await folder.auth('add framework alice one --dir DIR')
  await folder.auth('add observer olga --dir DIR')
  t.is((await listed(folder)).length, before.length + 3)
  t.is((await folder.auth('remove framework alice --dir DIR')).code, 0)
  t.is((await folder.auth('remove observer olga --dir DIR')).code, 0)
  const after = await listed(folder)
  t.like(after.at(-2), { kind: 'framework', principal: 'alice', frameworkId: 'one' })
  t.is(after.length, before.length + 1)
  t.false(readdirSync(folder.folder).includes('framework-alice.login'))
  t.true(readdirSync(folder.folder).includes('framework-alice.one.nk'))
})

test('a table for people', async (t) => {
  const { auth } = await initialised(t)
  const { stdout } = await auth('list --dir DIR')
  t.regex(stdout, /^KIND +NAME +CREDENTIALS\nmaster +m1 +U[A-Z2-7]{55}\n/)
})

const WRONG = {
  'add agent --dir DIR': /agent id "" is not 1 to 64/,
  'add agent a.b --dir DIR': /agent id "a\.b" is not 1 to 64/,
  'add agent * --dir DIR': /agent id "\*" is not/,
  'add agent a b --dir DIR': /agent a is followed by "b", which means nothing/,
  'add framework p f x --dir DIR': /is followed by "x"/,
  'add root r --dir DIR': /"root" is none of agent, framework, operator, observer, master, alloc/,
  'add master m1 --dir DIR': /master m1 has credentials already/,
  'remove agent a1 --dir DIR': /agent a1 has no credentials here/,
  'init DIR --listen 4222': /is not HOST:PORT/,
  'init DIR --listen h:99999': /is not HOST:PORT/,
  'init DIR --listen h"x:1': /is not HOST:PORT/,
  what: /unknown command 'what'/,
}
for (const [args, sentence] of Object.entries(WRONG))
  test(`auth ${args}: one sentence, and nothing changes`, async (t) => {
    const { auth, read, folder } = await initialised(t)
    const before = [read('users.conf'), readdirSync(folder)]
    const { code, stderr } = await auth(args)
    t.is(code, 64)
    t.regex(stderr, sentence)
    t.is(stderr.trim().split('\n').length, 1)
    t.deepEqual([read('users.conf'), readdirSync(folder)], before)
  })

test('where there is no such folder: what to do, exit code 78', async (t) => {
  const { auth } = aFolder(t)
  const { code, stderr } = await auth('add agent a1 --dir DIR')
  t.is(code, 78)
  t.regex(stderr, /users\.conf is not there: make it with bourse auth init/)
})

test('a file that was written by hand is not written over', async (t) => {
  const { auth, folder, read } = aFolder(t)
  mkdirSync(folder)
  const own = 'accounts: { A: { users: [{ user: me, password: x, permissions: {} }] } }\n'
  writeFileSync(join(folder, 'users.conf'), own)
  const { code, stderr } = await auth('add agent a1 --dir DIR')
  t.is(code, 78)
  t.regex(stderr, /is not as bourse auth wrote it/)
  t.is(read('users.conf'), own)
})

test('two at a time: the second says so, and nobody is lost', async (t) => {
  const { auth, folder, read } = await initialised(t)
  const before = read('users.conf')
  writeFileSync(join(folder, 'users.conf.new'), '')
  const { code, stderr } = await auth('add agent a1 --dir DIR')
  t.is(code, 78)
  t.regex(stderr, /unless another bourse auth does, remove it/)
  t.is(read('users.conf'), before)
  t.false(readdirSync(folder).includes('agent-a1.nk'))
})

test('a secret that is there already is not written over', async (t) => {
  const { auth, folder, read } = await initialised(t)
  const before = read('users.conf')
  writeFileSync(join(folder, 'agent-a1.nk'), 'mine')
  t.is((await auth('add agent a1 --dir DIR')).code, 78)
  t.is(read('agent-a1.nk'), 'mine')
  t.is(read('users.conf'), before)
})

test('of a file that has no room the begin is not taken for the whole', async (t) => {
  const { auth, folder, read } = await initialised(t)
  const before = read('users.conf')
  const files = readdirSync(folder)
  // In KiB: what is more is not written, as on a disk that is nearly full.
  const limit = Math.ceil(Buffer.byteLength(before) / 1024)
  const words = ['auth', 'add', 'master', 'm2', '--dir', folder]
  const script = `ulimit -f ${limit}; exec "$@"`
  const ended = spawnSync('bash', ['-c', script, 'bash', process.execPath, BOURSE, ...words])
  t.is(ended.status, 78, String(ended.stderr))
  t.is(read('users.conf'), before)
  t.deepEqual(readdirSync(folder), files)
  t.is((await auth('add master m2 --dir DIR')).code, 0)
})

test('no list of what is allowed is empty, for that would allow everything', async (t) => {
  const { auth, read } = await initialised(t)
  for (const user of ['agent a', 'framework f', 'observer o']) await auth(`add ${user} --dir DIR`)
  t.notRegex(read('users.conf'), /allow: \[\s*\]/)
  t.is(
    read('users.conf').split('permissions: {').length,
    read('users.conf').split('publish: {').length,
  )
})
