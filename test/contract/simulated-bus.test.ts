import test from 'ava'
import { SimulatedClock } from '../../bus/simulated/clock.ts'
import { NO_STORES } from '../../bus/simulated/stores.ts'
import { SimulatedSystem } from '../../bus/simulated/system.ts'
import { type BusWorld, busContract } from './bus-contract.ts'
import { historyContract } from './history-contract.ts'

const open = (): Promise<BusWorld> => {
  const clock = new SimulatedClock()
  const system = new SimulatedSystem(clock)
  return Promise.resolve({
    system,
    clock,
    wait: (promise) => clock.runFor(promise),
    async outage(during, stores) {
      system.crash()
      await during()
      system.restart(stores === 'lost' ? NO_STORES : undefined)
    },
    close: () => Promise.resolve(),
  })
}

busContract(test, 'simulated', open)
historyContract(test, 'simulated', open)
