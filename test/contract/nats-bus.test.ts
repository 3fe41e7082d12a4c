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
