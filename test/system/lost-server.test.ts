/** What a connection does when its server is gone, or stands still, or the clock is set. */
import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import type { Bus, ConnectionState } from '../../bus/bus.ts'
import { systemClock } from '../../bus/clock.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { startTestServer, type TestServer } from '../support/nats.ts'

async function started(t: ExecutionContext): Promise<TestServer> {
  const server = await startTestServer()
  t.teardown(() => server.close())
  return server
}

async function connected(t: ExecutionContext, ...servers: readonly TestServer[]): Promise<Bus> {
  const location = { servers: servers.map(({ url }) => url), source: 'test' }
  const bus = await natsSystem({ location }).connect({ name: 'watches' })
  t.teardown(() => bus.close())
  return bus
}

const changesTo = (bus: Bus, wanted: ConnectionState): Promise<void> =>
  new Promise((resolve) => bus.onState((state) => state === wanted && resolve()))

/** Sends more than the kernel takes for a server that reads nothing. */
function fill(bus: Bus): void {
  for (let i = 0; i < 100; i++) bus.publish('much', new Uint8Array(200_000))
}

test.serial('a server that stands still is noticed though much waits to be sent', async (t) => {
  const server = await started(t)
  const bus = await connected(t, server)
  const lost = changesTo(bus, 'disconnected')
  process.kill(server.pid, 'SIGSTOP')
  fill(bus)
  await lost
  const back = changesTo(bus, 'connected')
  process.kill(server.pid, 'SIGCONT')
  await back
  await bus.flush()
  t.pass()
})

test.serial(
  'of several servers the next is taken, and the first again when that is lost',
  async (t) => {
    const servers = [await started(t), await started(t)] as const
    const heard: string[] = []
    const bus = await connected(t, ...servers)
    bus.subscribe('told', ({ subject }) => heard.push(subject))
    await bus.flush()
    const standing = await serverOf(bus, servers)
    const back = changesTo(bus, 'connected')
    process.kill(standing.pid, 'SIGSTOP')
    fill(bus)
    await back
    bus.publish('told', new Uint8Array())
    await bus.flush()
    t.deepEqual(heard, ['told'], 'it listens there, too')

    process.kill(standing.pid, 'SIGCONT')
    const again = changesTo(bus, 'connected')
    await (servers[0] === standing ? servers[1] : servers[0]).end('SIGKILL')
    await again
    await bus.flush()
    t.is(await serverOf(bus, servers), standing)
  },
)

test.serial(
  'a server that did not answer at first is dialled when the other is lost',
  async (t) => {
    const [late, first] = [await started(t), await started(t)]
    await late.end('SIGKILL')
    // Each dials in an order of its own.
    const all: Bus[] = []
    for (let i = 0; i < 6; i++) all.push(await connected(t, late, first))
    await late.restart('kept')
    const back = all.map((bus) => changesTo(bus, 'connected'))
    await first.end('SIGKILL')
    await Promise.all(back)
    for (const bus of all) await bus.flush()
    t.pass()
  },
)

test.serial(
  'connections of a system are at one server, and at one when that is lost',
  async (t) => {
    const servers = [await started(t), await started(t), await started(t)]
    const location = { servers: servers.map(({ url }) => url), source: 'test' }
    for (let i = 0; i < 3; i++) {
      const system = natsSystem({ location })
      const all: Bus[] = []
      for (const name of ['a', 'b', 'c', 'd']) all.push(await system.connect({ name }))
      t.teardown(() => Promise.all(all.map((bus) => bus.close())))
      const [first] = await together(t, all, servers)
      const back = all.map((bus) => changesTo(bus, 'connected'))
      await first.end('SIGKILL')
      await Promise.all(back)
      await together(t, all, servers)
      await first.restart('kept')
    }
  },
)

/** The server that all are at. */
async function together(
  t: ExecutionContext,
  all: readonly Bus[],
  servers: readonly TestServer[],
): Promise<readonly [TestServer]> {
  const found = await Promise.all(all.map((bus) => serverOf(bus, servers)))
  const [first] = found
  assert(first !== undefined)
  t.deepEqual(
    found.map(({ url }) => url),
    found.map(() => first.url),
  )
  return [first]
}

/** The one that hears it. */
async function serverOf(bus: Bus, servers: readonly TestServer[]): Promise<TestServer> {
  const hearing = servers.map(async (server) => {
    const location = { servers: [server.url], source: 'test' }
    const there = await natsSystem({ location }).connect({ name: 'asks' })
    const heard = new Promise((resolve) => there.subscribe('where', resolve))
    await there.flush()
    return { server, there, heard }
  })
  const all = await Promise.all(hearing.map((one) => one.catch(() => undefined)))
  bus.publish('where', new Uint8Array())
  const found = await Promise.race(
    all.flatMap((one) => (one === undefined ? [] : [one.heard.then(() => one.server)])),
  )
  for (const one of all) await one?.there.close()
  return found
}

/** What is said to the server, or by it, takes so long. */
async function slowWayTo(t: ExecutionContext, { url }: TestServer, ms: number) {
  const open = new Set<Socket>()
  const pass = (from: Socket, to: Socket): void => {
    open.add(from)
    from.on('data', (data) => systemClock.after(ms, () => to.write(data)))
    from.on('error', () => undefined)
    from.on('close', () => to.destroy())
  }
  const way = createServer((client) => {
    const server = connect(Number(new URL(url).port), '127.0.0.1')
    pass(client, server)
    pass(server, client)
  })
  const hangUp = (): void => {
    for (const socket of open) socket.destroy()
    open.clear()
  }
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    hangUp()
    way.close()
  })
  return { url: `nats://127.0.0.1:${(way.address() as AddressInfo).port}`, hangUp }
}

test.serial('a server that is far away is reached, also when it was lost', async (t) => {
  const server = await started(t)
  // Its first word, ours and its answer to that: three quarters of a second.
  const way = await slowWayTo(t, server, 250)
  const location = { servers: [way.url], source: 'test' }
  const bus = await natsSystem({ location }).connect({ name: 'is far away' })
  t.teardown(() => bus.close())
  const [lost, back] = [changesTo(bus, 'disconnected'), changesTo(bus, 'connected')]
  way.hangUp()
  await lost
  await back
  await t.notThrowsAsync(bus.flush())
})

test.serial('a wall clock that is set back keeps nobody from connecting again', async (t) => {
  const server = await started(t)
  const bus = await connected(t, server)
  const wallClock = Date.now
  t.teardown(() => {
    Date.now = wallClock
  })
  Date.now = () => wallClock() - 3_600_000
  const lost = changesTo(bus, 'disconnected')
  await server.end('SIGKILL')
  await lost
  const back = changesTo(bus, 'connected')
  await server.restart('kept')
  await back
  await bus.flush()
  t.pass()
})
