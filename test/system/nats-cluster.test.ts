/** Three NATS servers, configured as `deploy/nats-cluster` says. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Bus, WriteOutcome } from '../../bus/bus.ts'
import { systemClock } from '../../bus/clock.ts'
import { decode } from '../../bus/codec.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { CLUSTER_LEASE_MS } from '../../protocol/limits.ts'
import { LEASE_KEY, leaseBucket, registryLog } from '../../protocol/subjects.ts'
import { Actor } from '../support/cluster.ts'
import { startTestNatsCluster, streamFacts, type TestNatsCluster } from '../support/nats-cluster.ts'

async function started(t: ExecutionContext): Promise<TestNatsCluster> {
  const cluster = await startTestNatsCluster()
  t.teardown(() => cluster.close())
  return cluster
}

const systemAt = (
  { url }: { readonly url: string },
  replicas: number,
  onFault?: (fault: ClusterError) => void,
) =>
  natsSystem({
    location: { servers: url.split(','), source: 'test' },
    replicas,
    ...(onFault && { onFault }),
  })

async function connected(t: ExecutionContext, system: ReturnType<typeof systemAt>): Promise<Bus> {
  const bus = await system.connect({ name: 'test' })
  t.teardown(() => bus.close())
  return bus
}

test.serial('what three servers keep outlives the one that led it', async (t) => {
  const servers = await started(t)
  const system = systemAt(servers, 3)
  const bus = await connected(t, system)
  const store = await system.keyValue(bus, 'state')
  const first = (await store.write('k', Uint8Array.of(1), 0)) as WriteOutcome & { done: true }
  t.is((await streamFacts(bus, 'KV_state'))?.config?.num_replicas, 3)

  const leader = (await streamFacts(bus, 'KV_state'))?.cluster?.leader ?? ''
  await servers.servers[Number(leader.at(-1)) - 1]?.end('SIGKILL')
  // An answer may be lost with the server; a write at the same revision is done once in any case.
  await answered(() => store.write('k', Uint8Array.of(2), first.revision))
  const entry = await answered(() => store.read('k'))
  t.deepEqual(entry && [...entry.value], [2])
  t.is(entry?.revision, first.revision + 1)
  t.log(`${leader} led the stream and was killed`)
})

/** Servers elect another leader within nine seconds. */
async function answered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;)
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      await new Promise<void>((resolve) => void systemClock.after(100, resolve))
    }
}

test.serial('a store that one server of three holds is used, and that is said', async (t) => {
  const servers = await started(t)
  const alone = systemAt(servers, 1)
  const bus = await connected(t, alone)
  await (await alone.keyValue(bus, 'state')).write('k', Uint8Array.of(1), 0)
  const faults: ClusterError[] = []
  const three = systemAt(servers, 3, (fault) => faults.push(fault))
  const store = await three.keyValue(await connected(t, three), 'state')
  t.deepEqual((await store.read('k'))?.value, Uint8Array.of(1))
  t.deepEqual(
    faults.map(({ message }) => message),
    ['stream KV_state is held by 1 NATS server, not 3: nats stream edit KV_state --replicas 3'],
  )
})

test.serial('a master sees that three servers are a cluster, and leads for longer', async (t) => {
  const servers = await started(t)
  const folder = mkdtempSync(join(tmpdir(), 'bourse-three-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const env = { ...process.env, NATS_URL: servers.url, BOURSE_STATE_DIR: folder }
  const master = new Actor(['master', '--id', 'm1'], env)
  t.teardown(() => master.end())
  await master.start()
  await master.says('leads')
  const system = systemAt(servers, 3)
  const bus = await connected(t, system)
  const entry = await (await system.keyValue(bus, leaseBucket('bourse'))).read(LEASE_KEY)
  const record = entry && decode(entry.value)
  t.like(record, { ok: true, value: { leaseMs: CLUSTER_LEASE_MS } })
  t.is((await streamFacts(bus, registryLog('bourse')))?.config?.num_replicas, 3)
})
