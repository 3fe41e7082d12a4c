/** Actors that are started before their server, or lose it. */
import test, { type ExecutionContext } from 'ava'
import { Actor, openCluster } from '../support/cluster.ts'
import type { TestServer } from '../support/nats.ts'

const KINDS = ['master', 'allocator', 'agent'] as const

interface Waiting {
  readonly actor: Actor
  readonly ready: Promise<void>
}

/** A server that is gone, and actors that have told that they wait for it. */
async function waiting(
  t: ExecutionContext,
  kinds: readonly string[],
): Promise<{ readonly server: TestServer; readonly actors: readonly Waiting[] }> {
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const { server, env } = cluster
  await server.end('SIGKILL')
  const actors = kinds.map((kind): Waiting => {
    const actor = new Actor([kind], env)
    t.teardown(() => actor.end())
    return { actor, ready: actor.start() }
  })
  const message = `waits: no NATS server answers at ${server.url}`
  await Promise.all(actors.map(({ actor, ready }) => Promise.race([actor.says(message), ready])))
  return { server, actors }
}

test('what is started before its server waits for it', async (t) => {
  const { server, actors } = await waiting(t, KINDS)
  await server.restart('kept')
  await t.notThrowsAsync(Promise.all(actors.map(({ ready }) => ready)))
})

test('an agent whose server is gone says so', async (t) => {
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const agent = await cluster.start('agent', '--emulate', '1')
  await cluster.server.end('SIGKILL')
  await agent.says(`no NATS server at ${cluster.server.url} for 3s; still trying`)
  t.pass()
})

for (const kind of KINDS)
  test(`${kind} that waits for its server ends when it is told to`, async (t) => {
    const { actors } = await waiting(t, [kind])
    for (const { actor, ready } of actors) {
      const early = t.throwsAsync(ready)
      t.is(await actor.end(), 0)
      await early
    }
  })
