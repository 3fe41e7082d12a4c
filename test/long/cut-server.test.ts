/** A NATS server that its two peers have lost: who is connected to it finds another one. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { packageConfig } from '../../bus/nats/server.ts'
import { Actor, runBourse } from '../support/cluster.ts'
import { freePorts } from '../support/free-ports.ts'
import { serverIn, type TestServer } from '../support/nats.ts'

const ADDRESS = '127.0.0.1'
/** Nobody listens there. */
const NOWHERE = 1

/** What goes through it stays in it once it is cut, as packets do that a network drops. */
async function route(t: ExecutionContext, to: number, port: number): Promise<() => void> {
  let isCut = false
  const open = new Set<Socket>()
  const pass = (from: Socket, into: Socket): void => {
    open.add(from)
    from.on('data', (data) => isCut || into.write(data))
    from.on('error', () => undefined)
    from.on('close', () => isCut || into.destroy())
  }
  const way = createServer((peer) => {
    const server = connect(to, ADDRESS)
    pass(peer, server)
    pass(server, peer)
  })
  await new Promise<void>((resolve) => way.listen(port, ADDRESS, resolve))
  t.teardown(() => {
    way.close()
    for (const socket of open) socket.destroy()
  })
  return () => {
    isCut = true
  }
}

interface Place {
  readonly number: number
  readonly port: number
  readonly routePort: number
  /** Where the servers before it are found. */
  readonly peers: readonly number[]
}

/** A server names no address of its own to peers: each has what `peers` says, and no other way. */
function started(t: ExecutionContext, folder: string, place: Place): Promise<TestServer> {
  const { number, port, routePort, peers } = place
  const routes = peers.map((peer) => `"nats://${ADDRESS}:${peer}"`)
  const configPath = join(folder, `nats-${number}.conf`)
  const cluster = `
server_name: nats-${number}
cluster {
  name: test
  listen: "${ADDRESS}:${routePort}"
  advertise: "${ADDRESS}:${NOWHERE}"
  no_advertise: true
  routes: [${routes.join(', ')}]
}
`
  writeFileSync(configPath, readFileSync(packageConfig(), 'utf8') + cluster)
  const own = mkdtempSync(join(folder, `nats-${number}-`))
  return serverIn(own, { configPath, port }).then((server) => {
    t.teardown(() => server.close())
    return server
  })
}

interface ThreeServers {
  /** Of the first server, which is cut off by `cut`. */
  readonly url: string
  /** Of the others. */
  readonly others: string
  /** Ports that lead to the others once `openWays` is called. */
  readonly ways: string
  readonly openWays: () => Promise<void>
  readonly startOthers: () => Promise<void>
  readonly cut: () => void
  readonly actor: (servers: string, ...args: readonly string[]) => Promise<Actor>
  /** A command that runs on an agent. */
  readonly runs: () => Promise<void>
}

/** One server runs, and the two others can be started. */
async function placed(t: ExecutionContext): Promise<ThreeServers> {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-cut-server-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const ports = await freePorts(9)
  const [one = 0, two = 0, three = 0, routeOne = 0, routeTwo = 0, routeThree = 0] = ports
  const [way = 0, wayTwo = 0, wayThree = 0] = ports.slice(6)
  const url = (...all: readonly number[]) =>
    all.map((port) => `nats://${ADDRESS}:${port}`).join(',')
  const env = (servers: string) => ({
    ...process.env,
    NATS_URL: servers,
    BOURSE_STATE_DIR: folder,
  })
  const others = url(two, three)
  const cut = await route(t, routeOne, way)
  await started(t, folder, { number: 1, port: one, routePort: routeOne, peers: [NOWHERE] })
  return {
    url: url(one),
    others,
    ways: url(wayTwo, wayThree),
    async openWays() {
      await route(t, two, wayTwo)
      await route(t, three, wayThree)
    },
    async startOthers() {
      await started(t, folder, { number: 2, port: two, routePort: routeTwo, peers: [way] })
      const peers = [way, routeTwo]
      await started(t, folder, { number: 3, port: three, routePort: routeThree, peers })
    },
    cut,
    async actor(servers, ...args) {
      const made = new Actor(args, env(servers))
      t.teardown(() => made.end())
      await made.start()
      return made
    },
    async runs() {
      const hello = ['run', '--timeout', '60s', '--', 'echo', 'hello']
      const { code, stdout, stderr } = await runBourse(env(others), ...hello)
      t.deepEqual({ code, stdout }, { code: 0, stdout: 'hello\n' }, stderr)
    },
  }
}

const LEAVES = 'hears no leader: tries another NATS server'

test.serial('an agent at a server that is cut off from its peers goes to another', async (t) => {
  const { url, others, startOthers, cut, actor, runs } = await placed(t)
  const agent = await actor(`${url},${others}`, 'agent', '--id', 'a1')
  await startOthers()
  await actor(others, 'master', '--id', 'm1')
  await actor(others, 'allocator')
  await runs()

  const leaves = agent.says(LEAVES)
  cut()
  await leaves
  await runs()
})

test.serial(
  'the only master is at a server that is cut off: it leads again elsewhere',
  async (t) => {
    const { url, others, ways, openWays, startOthers, cut, actor, runs } = await placed(t)
    await startOthers()
    const master = await actor(`${url},${ways}`, 'master', '--id', 'm1')
    await openWays()
    await actor(others, 'allocator')
    await actor(others, 'agent', '--id', 'a1')
    await runs()

    cut()
    await master.says('leads', 2)
    await runs()
  },
)
