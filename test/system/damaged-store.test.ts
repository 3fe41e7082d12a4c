/** What a NATS server makes of a store whose files were damaged while it was stopped. */
import { closeSync, openSync, readFileSync, readSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Bus, WriteOutcome } from '../../bus/bus.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { startTestServer, type TestServer } from '../support/nats.ts'

async function opened(t: ExecutionContext) {
  const server = await startTestServer()
  t.teardown(() => server.close())
  const faults: string[] = []
  const system = natsSystem({
    location: { servers: [server.url], source: 'test' },
    onFault: ({ code }) => faults.push(code),
  })
  const bus = await system.connect({ name: 'test' })
  t.teardown(() => bus.close())
  return { server, system, bus, faults }
}

/** Flips bits of what is stored last. */
async function damage(server: TestServer, stream: string, bus: Bus): Promise<void> {
  await server.end('SIGKILL')
  const path = join(server.storeDir, 'jetstream', '$G', 'streams', stream, 'msgs', '1.blk')
  const at = statSync(path).size - 20
  const fd = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, at)
  byte.writeUInt8(byte.readUInt8() ^ 0x41)
  writeSync(fd, byte, 0, 1, at)
  closeSync(fd)
  const back = new Promise<void>((resolve) => {
    bus.onState((state) => state === 'connected' && resolve())
  })
  await server.restart('kept')
  await back
}

test('a bucket whose file is damaged begins anew, and compares again before it sets', async (t) => {
  const { server, system, bus, faults } = await opened(t)
  const store = await system.keyValue(bus, 'state')
  let revision = 0
  for (let i = 0; i < 5; i++) {
    const outcome = (await store.write('k', Uint8Array.of(i), revision)) as WriteOutcome
    revision = outcome.done ? outcome.revision : revision
  }
  await damage(server, 'KV_state', bus)
  t.is(await store.read('k'), undefined)
  t.deepEqual(faults, ['bus/store-damaged'])
  const written = await store.write('k', Uint8Array.of(7), 0)
  t.true(written.done && written.revision > revision)
  t.deepEqual(await store.write('k', Uint8Array.of(8), 0), { done: false })
  t.deepEqual((await store.read('k'))?.value, Uint8Array.of(7))
  t.is(faults.length, 1, readFileSync(server.logPath, 'utf8'))
})

test('a log whose file is damaged begins anew behind its last number', async (t) => {
  const { server, system, bus, faults } = await opened(t)
  const log = await system.log(bus, 'facts')
  for (let i = 0; i < 5; i++) await log.append(Uint8Array.of(i), i)
  await damage(server, 'facts', bus)
  const { entries, lastSequence } = await log.readFrom(1, 100)
  t.true(entries.length < 5)
  t.deepEqual(faults, ['bus/store-damaged'])
  t.like(await log.append(Uint8Array.of(9), lastSequence), { done: true })
  const after = await log.readFrom(1, 100)
  t.deepEqual(
    after.entries.map(({ payload }) => [...payload]),
    [[9]],
  )
})
