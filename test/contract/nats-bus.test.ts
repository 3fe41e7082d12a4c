import test from 'ava'
import type { Bus } from '../../bus/bus.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { startTestServer } from '../support/nats.ts'
import { busContract } from './bus-contract.ts'

busContract(test.serial as typeof test, 'NATS', async () => {
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
})
