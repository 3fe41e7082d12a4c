/** Three NATS servers that keep streams together, as `deploy/nats-cluster` has them: here. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus } from '../../bus/bus.ts'
import { packageConfig } from '../../bus/nats/server.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { freePorts } from './free-ports.ts'
import { serverIn, type TestServer } from './nats.ts'

export interface TestNatsCluster {
  /** All of them, with commas. */
  readonly url: string
  readonly servers: readonly [TestServer, TestServer, TestServer]
  /** Ends them and removes their files. */
  close(): Promise<void>
}

const NUMBERS = [1, 2, 3] as const

/** Resolves when all three listen and have agreed who of them leads. */
export async function startTestNatsCluster(): Promise<TestNatsCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-nats-cluster-'))
  const ports = await freePorts(2 * NUMBERS.length)
  writeConfigs(folder, ports)
  const starting = NUMBERS.map((number, i) =>
    serverIn(mkdtempSync(join(folder, `nats-${number}-`)), {
      configPath: join(folder, `nats-${number}.conf`),
      port: ports[i] as number,
    }),
  )
  const servers = (await Promise.all(starting)) as [TestServer, TestServer, TestServer]
  await leaderElected(servers)
  return {
    url: servers.map(({ url }) => url).join(','),
    servers,
    async close() {
      for (const server of servers) await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const ANSWER_MS = 250
const PATIENCE_MS = 30_000

/** JetStream's own leader answers what the account has of it; until there is one, nobody does. */
async function leaderElected(servers: TestNatsCluster['servers']): Promise<void> {
  const location = { servers: servers.map(({ url }) => url), source: 'test' }
  const bus = await natsSystem({ location }).connect({ name: 'asks' })
  const isThere = async (): Promise<boolean> => {
    const answer = await askJetStream(bus, 'INFO')
    return answer !== undefined && answer.error === undefined
  }
  for (let waitedMs = 0; !(await isThere()); waitedMs += ANSWER_MS) {
    if (waitedMs > PATIENCE_MS) throw new Error('the three servers have no leader')
  }
  await bus.close()
}

/** What JetStream says of a stream. */
export interface StreamFacts {
  readonly error?: { readonly description: string }
  readonly config?: { readonly num_replicas: number }
  /** `leader`: `nats-1` … */
  readonly cluster?: { readonly leader?: string }
}

/** Undefined: no answer, for a while. */
export const streamFacts = (bus: Bus, stream: string): Promise<StreamFacts | undefined> =>
  askJetStream(bus, `STREAM.INFO.${stream}`)

let asked = 0

function askJetStream(bus: Bus, what: string): Promise<StreamFacts | undefined> {
  asked += 1
  const reply = `${bus.inbox}.${asked}`
  return new Promise((resolve) => {
    const subscription = bus.subscribe(reply, ({ payload, noResponders }) => {
      if (noResponders === undefined) resolve(JSON.parse(Buffer.from(payload).toString()))
    })
    bus.publish(`$JS.API.${what}`, new Uint8Array(), { reply })
    void sleep(ANSWER_MS).then(() => {
      subscription.close()
      resolve(undefined)
    })
  })
}

/**
 * What an operator changes: the addresses. `ports`: three for clients, three for routes. Where the
 * store is, a flag says.
 */
function writeConfigs(folder: string, ports: readonly number[]): void {
  const original = join(dirname(packageConfig()), 'deploy', 'nats-cluster')
  copyFileSync(packageConfig(), join(folder, 'nats.conf'))
  const files = ['cluster.conf', ...NUMBERS.map((number) => `nats-${number}.conf`)]
  for (const file of files) {
    const text = readFileSync(join(original, file), 'utf8')
      .replace(/10\.0\.0\.(\d):6222/g, (_, number) => `127.0.0.1:${ports[Number(number) + 2]}`)
      .replace(/"10\.0\.0\.(\d)"\n {2}port: 6222/, (_, number) => {
        return `127.0.0.1\n  port: ${ports[Number(number) + 2]}`
      })
      .replace(/"10\.0\.0\.\d"/g, '127.0.0.1')
      .replace(/\{ store_dir: .* \}/, 'enabled')
    writeFileSync(join(folder, file), text)
  }
}
