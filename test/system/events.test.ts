/** `bourse events` and `bourse decode` as their users run them. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import test from 'ava'
import { encode } from '../../bus/codec.ts'
import { BOURSE, type Cluster, openCluster } from '../support/cluster.ts'
import { startTestServer } from '../support/nats.ts'

interface Said {
  readonly sequence: number
  readonly kind: string
  readonly what: string
  readonly epoch: number
  readonly gap?: { readonly why: string; readonly from?: number; readonly to?: number }
}

const history = ({ env }: Cluster, ...args: readonly string[]) =>
  spawnSync(process.execPath, [BOURSE, 'events', ...args], { env, encoding: 'utf8' })

const parsed = (text: string): readonly Said[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Said => JSON.parse(line))

/** A follower, with what it has printed so far. */
function follower({ env }: Pick<Cluster, 'env'>, ...args: readonly string[]) {
  const child: ChildProcessWithoutNullStreams = spawn(
    process.execPath,
    [BOURSE, 'events', '--follow', '--json', ...args],
    { env },
  )
  const said: Said[] = []
  let errors = ''
  let check = (): void => undefined
  createInterface({ input: child.stdout }).on('line', (line) => {
    said.push(JSON.parse(line))
    check()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  return {
    child,
    said,
    errors: () => errors,
    until: (isThere: (said: readonly Said[]) => boolean) =>
      new Promise<void>((resolve) => {
        check = () => {
          if (isThere(said)) resolve()
        }
        check()
      }),
  }
}

const leads =
  (times: number) =>
  (said: readonly Said[]): boolean =>
    said.filter(({ kind }) => kind === 'master').length >= times
const registered =
  (times: number) =>
  (said: readonly Said[]): boolean =>
    said.filter(({ kind, what }) => kind === 'agent' && what === 'registered').length >= times

test('events are followed over leaders and servers that die, and read without a leader', async (t) => {
  t.timeout(60_000)
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const first = await cluster.start('master', '--id', 'm1', '--event-bytes', '2000000')
  const all = follower(cluster)
  t.teardown(() => all.child.kill('SIGKILL'))
  const agents = follower(cluster, 'agent.registered')
  t.teardown(() => agents.child.kill('SIGKILL'))
  await all.until(leads(1))
  const second = await cluster.start('master', '--id', 'm2')
  await first.end('SIGKILL')
  await all.until(leads(2))
  t.true((all.said.at(-1)?.epoch ?? 0) > 1)
  await cluster.server.end('SIGKILL')
  await cluster.server.restart('kept')
  const agent = await cluster.start('agent', '--emulate', '2')
  await agents.until(registered(2))
  await all.until(registered(2))

  all.child.kill('SIGINT')
  t.deepEqual(await once(all.child, 'exit'), [0, null])
  await agent.end()
  await second.end()
  const read = history(cluster, '--json', '--since', 'all')
  t.is(read.status, 0)
  t.deepEqual(parsed(read.stdout).slice(0, all.said.length), all.said)
  const { sequence = 0 } = all.said.at(-2) ?? {}
  t.is(
    parsed(history(cluster, '--json', '--after', String(sequence)).stdout)[0]?.sequence,
    sequence + 1,
  )
  t.deepEqual(parsed(history(cluster, '--json', 'agent.registered').stdout), agents.said)
  t.regex(
    history(cluster).stdout,
    /^ +1 {2}\d\d-\d\d .* master\.leads {10}m1 +leads from now on: epoch 1\n/,
  )
})

test('after a lost store its beginning is missed by whoever reads, as by who followed', async (t) => {
  t.timeout(60_000)
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const master = await cluster.start('master')
  const all = follower(cluster)
  t.teardown(() => all.child.kill('SIGKILL'))
  await all.until(leads(1))
  await master.end()
  await cluster.server.end('SIGKILL')
  await cluster.server.restart('lost')
  await master.start()
  await all.until(leads(2))
  const read = parsed(history(cluster, '--json', '--since', 'all').stdout)
  t.deepEqual(read[0]?.gap, { why: 'epochs', from: 1, to: 1 })
  const anew = all.said.findIndex(({ gap }) => gap?.why === 'began-anew')
  t.deepEqual(read.slice(0, all.said.length - anew - 1), all.said.slice(anew + 1))
})

test('who follows from a server where nobody leads goes to one where somebody does', async (t) => {
  t.timeout(90_000)
  const deserted = await startTestServer()
  t.teardown(() => deserted.close())
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  await cluster.server.end('SIGKILL')
  const NATS_URL = `${deserted.url},${cluster.server.url}`
  const all = follower({ env: { ...cluster.env, NATS_URL } })
  t.teardown(() => all.child.kill('SIGKILL'))
  // Its server answers, and has nothing to tell.
  const [said] = await once(all.child.stderr, 'data')
  t.regex(said, /^bourse: nobody has events of cluster bourse there: .*; still asking\n$/)
  await cluster.server.restart('kept')
  await cluster.start('master')
  await all.until(leads(1))
  t.pass()
})

test('a reader that has seen enough ends what is followed', async (t) => {
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  await cluster.start('master')
  const command = `"${process.execPath}" "${BOURSE}" events --follow | head -1; echo "\${PIPESTATUS[0]}"`
  const shell = spawn('bash', ['-c', command], {
    env: cluster.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => shell.kill('SIGKILL'))
  let printed = ''
  shell.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const ended = once(shell, 'close')
  await once(createInterface({ input: shell.stdout }), 'line')
  // What comes next finds nobody.
  await cluster.start('agent', '--emulate', '1')
  await ended
  t.regex(printed, /^.*master\.leads.*\n0\n$/)
})

test('where no cluster keeps events one is told so', async (t) => {
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const { status, stderr } = history(cluster, '--cluster', 'other')
  t.is(status, 69)
  t.is(
    stderr,
    'bourse: nobody has events of cluster other there: stream other_events does not answer\n',
  )
})

test('decode is a filter', (t) => {
  const run = (input: Uint8Array) =>
    spawnSync(process.execPath, [BOURSE, 'decode'], { input, encoding: 'utf8' })
  t.like(run(encode({ a: 1 })), { status: 0, stdout: '{"a":1}\n', stderr: '' })
  t.like(run(Uint8Array.of(0xc1)), { status: 1, stdout: '' })
})
