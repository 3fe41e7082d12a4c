import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { type RunningServer, type ServerOptions, startServer } from '../../bus/nats/server.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { testBinary } from '../support/nats.ts'

const OWNER = fileURLToPath(new URL('../support/owns-nats-server.js', import.meta.url))

/** A folder for stores that is removed after the test. */
function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-server-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function started(
  t: ExecutionContext,
  options: Omit<ServerOptions, 'binary'>,
): Promise<RunningServer> {
  const server = await startServer({ binary: await testBinary(), ...options })
  t.teardown(() => server.stop())
  return server
}

/** A connection that says nothing: it closes when the server goes. */
async function attach(port: number): Promise<Socket> {
  const socket = createConnection({ host: '127.0.0.1', port })
  socket.on('error', () => undefined)
  await once(socket, 'data')
  return socket
}

const systemAt = ({ url }: RunningServer) =>
  natsSystem({ location: { servers: [url], source: 'test' } })

test('two servers start at once, each on a free port of loopback', async (t) => {
  const folder = folderFor(t)
  const [a, b] = await Promise.all(
    ['a', 'b'].map((name) => started(t, { storeDir: join(folder, name) })),
  )
  t.not(a?.port, b?.port)
  t.is(a?.url, `nats://127.0.0.1:${a?.port}`)
  t.regex(
    readFileSync(a?.logPath ?? '', 'utf8'),
    /Listening for client connections on 127\.0\.0\.1/,
  )
})

test('a stopped server is gone, and a second start goes on with its state', async (t) => {
  const storeDir = join(folderFor(t), 'store')
  const first = await started(t, { storeDir })
  const bus = await systemAt(first).connect({ name: 'first' })
  await (await systemAtStore(first)).write('k', Uint8Array.of(7), 0)
  await bus.close()
  await first.stop()
  t.throws(() => process.kill(first.pid, 0))
  const second = await started(t, { storeDir })
  const entry = await (await systemAtStore(second)).read('k')
  t.deepEqual(entry && [...entry.value], [7])

  async function systemAtStore(server: RunningServer) {
    const system = systemAt(server)
    const connection = await system.connect({ name: 'store' })
    t.teardown(() => connection.close())
    return system.keyValue(connection, 'state')
  }
})

test('kill -9 of its owner ends the server, and its store can be opened again', async (t) => {
  const storeDir = join(folderFor(t), 'store')
  const owner = spawn(process.execPath, [OWNER, storeDir], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(owner.stdout, 'data')) as [Buffer]
  const { pid, port } = JSON.parse(line.toString()) as { pid: number; port: number }
  const socket = await attach(port)
  process.kill(pid, 0)
  owner.kill('SIGKILL')
  await once(socket, 'close')
  const next = await started(t, { storeDir })
  t.not(next.pid, pid)
  t.throws(() => process.kill(pid, 0))
})

test('a server that is killed is noticed by its owner', async (t) => {
  const server = await started(t, { storeDir: join(folderFor(t), 'store') })
  process.kill(server.pid, 'SIGKILL')
  t.deepEqual(await server.ended, { signal: 'SIGKILL' })
  t.throws(() => process.kill(server.pid, 0))
})

test('a store that another server has open is refused', async (t) => {
  const storeDir = join(folderFor(t), 'store')
  await started(t, { storeDir })
  const error = await t.throwsAsync<ClusterError>(started(t, { storeDir, patienceMs: 50 }))
  t.is(error.code, 'bus/store-in-use')
})

test('a port that somebody else has is refused in the words of the server', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => void other.close())
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  const storeDir = join(folderFor(t), 'store')
  const error = await t.throwsAsync<ClusterError>(started(t, { storeDir, port }))
  t.is(error.code, 'bus/server-failed')
  t.regex(error.message, /address already in use/)
})

test('a configuration that the server does not know is refused in its words', async (t) => {
  const folder = folderFor(t)
  const configPath = join(folder, 'nats.conf')
  writeFileSync(configPath, 'no_such_field: 1\n')
  const failing = started(t, { storeDir: join(folder, 'store'), configPath })
  t.regex((await t.throwsAsync(failing, { instanceOf: ClusterError })).message, /no_such_field/)
})

test('headers that are none do no harm, and a forbidden subject is told', async (t) => {
  const folder = folderFor(t)
  const configPath = join(folder, 'nats.conf')
  const user = '{ user: u, password: p, permissions: { publish: "x", subscribe: ["x", "_I.>"] } }'
  writeFileSync(configPath, `authorization { users: [ ${user} ] }\n`)
  const server = await started(t, { storeDir: join(folder, 'store'), configPath })
  let onFault: (fault: ClusterError) => void = () => undefined
  const told = new Promise<ClusterError>((resolve) => (onFault = resolve))
  const location = { servers: [server.url], user: 'u', password: 'p', source: 'test' }
  const system = natsSystem({ location, onFault })
  const bus = await system.connect({ name: 'hears', inbox: '_I.1' })
  t.teardown(() => bus.close())
  const seen: unknown[] = []
  bus.subscribe('x', ({ payload, headers }) => seen.push([[...payload], headers]))
  await bus.flush()
  const stranger = await attach(server.port)
  stranger.write('CONNECT {"user":"u","pass":"p","headers":true,"verbose":false}\r\n')
  stranger.write('HPUB x 20 21\r\nNATS/1.0\r\n\u0001\u0001 : v\r\n\r\n!\r\nPING\r\n')
  await once(stranger, 'data')
  stranger.destroy()
  bus.publish('forbidden', new Uint8Array())
  await bus.flush()
  t.deepEqual(seen, [[[0x21], undefined]])
  t.regex((await told).message, /forbidden/i)
  const nobody = natsSystem({ location: { ...location, password: 'q' } })
  const error = await t.throwsAsync<ClusterError>(nobody.connect({ name: 'nobody' }))
  t.is(error.code, 'bus/no-access')
})

test('what is stored with headers that are none is read as it is, and can be replaced', async (t) => {
  const server = await started(t, { storeDir: join(folderFor(t), 'store') })
  const system = systemAt(server)
  const bus = await system.connect({ name: 'reads' })
  t.teardown(() => bus.close())
  const store = await system.keyValue(bus, 'lease')
  t.like(await store.write('leader', Buffer.from('before'), 0), { done: true })
  const stranger = await attach(server.port)
  stranger.write('CONNECT {"headers":true,"verbose":false}\r\n')
  stranger.write('HPUB $KV.lease.leader 20 21\r\nNATS/1.0\r\na b: v\r\n\r\n!\r\nPING\r\n')
  await once(stranger, 'data')
  stranger.destroy()
  const found = await store.read('leader')
  t.deepEqual([...(found?.value ?? [])], [0x21])
  t.deepEqual(await store.write('leader', Buffer.from('new'), 0), { done: false })
  t.like(await store.write('leader', Buffer.from('new'), found?.revision ?? 0), { done: true })
})

test('what was kept with headers that are none, or lie, is read in its place', async (t) => {
  const server = await started(t, { storeDir: join(folderFor(t), 'store') })
  const system = systemAt(server)
  const bus = await system.connect({ name: 'reads' })
  t.teardown(() => bus.close())
  const kept = {
    name: 'kept',
    pattern: 'kept.>',
    limits: { ageMsMax: 3_600_000, bytesMax: 1_000_000 },
  }
  await system.keepHistory(bus, kept)
  const stranger = await attach(server.port)
  stranger.write('CONNECT {"headers":true,"verbose":false}\r\n')
  stranger.write('PUB kept.a 1\r\n1\r\n')
  for (const line of ['\r\na b: v', '\r\nNats-Sequence: 1', ' 404 No']) {
    const head = `NATS/1.0${line}\r\n\r\n`
    stranger.write(`HPUB kept.b ${head.length} ${head.length + 1}\r\n${head}2\r\n`)
  }
  stranger.write('PUB kept.c 1\r\n3\r\nPING\r\n')
  await once(stranger, 'data')
  stranger.destroy()
  const history = system.history(bus, kept)
  const found = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => history.next(kept.pattern, n)))
  t.deepEqual(
    found.map((message) => message && [message.sequence, message.subject, ...message.payload]),
    [
      [1, 'kept.a', 0x31],
      [2, 'kept.b', 0x32],
      [3, 'kept.b', 0x32],
      [4, 'kept.b', 0x32],
      [5, 'kept.c', 0x33],
      undefined,
    ],
  )
})

test('an error thrown while a message is handled ends the process', async (t) => {
  const server = await started(t, { storeDir: join(folderFor(t), 'store') })
  const program = `
    import { natsSystem } from ${JSON.stringify(new URL('../../bus/nats/system.js', import.meta.url))}
    const system = natsSystem({ location: { servers: ['${server.url}'], source: 'test' } })
    const bus = await system.connect({ name: 'buggy' })
    bus.subscribe('x', () => { throw new Error('a bug') })
    bus.publish('x', new Uint8Array())`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program])
  let stderr = ''
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  t.deepEqual(await once(child, 'close'), [1, null])
  t.regex(stderr, /a bug/)
})

test('a server that takes too small messages is refused when connecting', async (t) => {
  const folder = folderFor(t)
  const configPath = join(folder, 'nats.conf')
  writeFileSync(configPath, 'max_payload: 64KB\n')
  const server = await started(t, { storeDir: join(folder, 'store'), configPath })
  const connecting = systemAt(server).connect({ name: 'big' })
  t.is((await t.throwsAsync<ClusterError>(connecting)).code, 'bus/unfit-server')
})

/** The signal was sent: what remains of a thread's turn takes microseconds. */
function standsStill(pid: number): boolean {
  const states = readdirSync(`/proc/${pid}/task`).map((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').split(') ').at(-1)?.slice(0, 1),
  )
  return states.every((state) => state === 'T')
}

test('a server that stands still is noticed, and again when it goes on', async (t) => {
  const server = await started(t, { storeDir: join(folderFor(t), 'store') })
  const bus = await systemAt(server).connect({ name: 'watches' })
  t.teardown(() => bus.close())
  const changed = () => new Promise((resolve) => bus.onState(resolve))
  const lost = changed()
  process.kill(server.pid, 'SIGSTOP')
  while (!standsStill(server.pid)) continue
  const echo = t.throwsAsync<ClusterError>(bus.flush())
  t.is(await lost, 'disconnected')
  t.is((await echo).code, 'bus/disconnected')
  const back = changed()
  process.kill(server.pid, 'SIGCONT')
  t.is(await back, 'connected')
  await bus.flush()
})
