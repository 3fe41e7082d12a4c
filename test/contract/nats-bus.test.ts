import test from 'ava'
import type { Bus } from '../../bus/bus.ts'
import { systemClock } from '../../bus/clock.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { startTestServer } from '../support/nats.ts'
import { type BusWorld, busContract } from './bus-contract.ts'
import { historyContract } from './history-contract.ts'

const open = async (): Promise<BusWorld> => {
  const server = await startTestServer()
  const system = natsSystem({ location: { servers: [server.url], source: 'test' } })
  const buses: Bus[] = []
  return {
    system: {
      ...system,
      async connect(options) {
        const bus = await system.connect(options)
        buses.push(bus)
        return bus
      },
    },
    clock: systemClock,
    wait: (promise) => promise,
    async outage(during, stores) {
      await server.end('SIGKILL')
      await during()
      await server.restart(stores)
    },
    async close() {
      await Promise.all(buses.map((bus) => bus.close()))
      await server.close()
    },
  }
}

busContract(test.serial as typeof test, 'NATS', open)
historyContract(test.serial as typeof test, 'NATS', open)

test.serial('a server that is alone holds nothing three times, and says so once', async (t) => {
  const server = await startTestServer()
  t.teardown(() => server.close())
  const location = { servers: [server.url], source: 'test' }
  const told: string[] = []
  const of = (replicas: number) =>
    natsSystem({ location, replicas, onFault: ({ message }) => told.push(message) })
  const three = of(3)
  const bus = await three.connect({ name: 'three' })
  await t.throwsAsync(three.log(bus, 'new'), {
    code: 'bus/store-settings',
    message: /^stream new cannot be held by 3 NATS servers: the one that is there is alone/,
  })
  const one = of(1)
  const other = await one.connect({ name: 'one' })
  await one.log(other, 'old')
  await three.log(bus, 'old')
  await three.log(bus, 'old')
  const [few = '', ...more] = told
  t.regex(few, /^stream old is held by 1 NATS server, not 3: the server is alone/)
  t.deepEqual(more, [])
  await Promise.all([bus.close(), other.close()])
})
