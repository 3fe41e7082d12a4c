import test from 'ava'
import { SimulatedClock } from '../../../bus/simulated/clock.ts'
import { SimulatedSystem } from '../../../bus/simulated/system.ts'
import { tellOutages } from '../../../cli/outages.ts'

/** An actor of two connections, and what its log says. */
async function watched() {
  const clock = new SimulatedClock()
  const system = new SimulatedSystem(clock)
  const told: string[] = []
  const watch = tellOutages({
    clock,
    where: 'nats://there',
    log: ({ level, message }) => void told.push(`${level}: ${message}`),
  })
  const connect = () => clock.runFor(system.connect({ name: 'actor' }))
  const buses = [await connect(), await connect()] as const
  for (const bus of buses) watch(bus)
  const pass = (s: number) => clock.runUntil(clock.now().monotonicMs + s * 1_000)
  return { system, buses, told, pass }
}

test('a server that is gone is told of once for each outage, and so is its return', async (t) => {
  const { system, told, pass } = await watched()
  for (const s of [35, 11]) {
    system.crash()
    await pass(2)
    t.deepEqual(told, [])
    await pass(s - 2)
    t.deepEqual(told.splice(0), ['warn: no NATS server at nats://there for 3s; still trying'])
    system.restart()
    await pass(1)
    t.deepEqual(told.splice(0), [`info: the NATS server at nats://there is back after ${s}s`])
  }
})

test('an outage that is over soon is not worth a word', async (t) => {
  const { system, told, pass } = await watched()
  system.crash()
  await pass(2)
  system.restart()
  await pass(60)
  t.deepEqual(told, [])
})

test('it is over when no connection is away any more', async (t) => {
  const { system, buses, told, pass } = await watched()
  system.disconnect(buses[0], 20_000)
  system.disconnect(buses[1], 5_000)
  await pass(10)
  t.is(told.length, 1)
  await pass(20)
  t.deepEqual(told.slice(1), ['info: the NATS server at nats://there is back after 20s'])
})

test('an actor that is stopped meanwhile says no more', async (t) => {
  const { system, buses, told, pass } = await watched()
  system.crash()
  await pass(1)
  for (const bus of buses) await bus.close()
  await pass(60)
  t.deepEqual(told, [])
})
