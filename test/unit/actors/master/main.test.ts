import test from 'ava'
import { startMaster } from '../../../../actors/master/main.ts'
import type { Bus, BusSystem } from '../../../../bus/bus.ts'
import { randomToken } from '../../../../bus/random.ts'
import { SimulatedClock } from '../../../../bus/simulated/clock.ts'
import { SimulatedSystem } from '../../../../bus/simulated/system.ts'
import { ClusterError } from '../../../../protocol/errors.ts'
import type { MasterId } from '../../../../protocol/ids.ts'
import { memoryCopy } from '../../../../testing/memory-copy.ts'

test('a master whose stores do not answer leaves no connection open', async (t) => {
  const clock = new SimulatedClock()
  const simulated = new SimulatedSystem(clock)
  const opened: Bus[] = []
  const system: BusSystem = {
    async connect(options) {
      const bus = await simulated.connect(options)
      opened.push(bus)
      return bus
    },
    keyValue: (bus, bucket) => simulated.keyValue(bus, bucket),
    log: () => Promise.reject(new ClusterError('bus/store-unavailable', 'later', 'no answer')),
    keepHistory: (bus, settings) => simulated.keepHistory(bus, settings),
    history: (bus, kept) => simulated.history(bus, kept),
  }
  const started = startMaster({
    cluster: 'test',
    masterId: 'm1' as MasterId,
    system,
    clock,
    randomToken,
    epochs: { read: () => 0, save: () => undefined },
    copy: memoryCopy(),
    isOpen: true,
    onLog: () => undefined,
    onRefused: () => undefined,
  })
  await t.throwsAsync(clock.runFor(started), { message: 'no answer' })
  t.deepEqual(
    opened.map(({ state }) => state),
    ['closed', 'closed', 'closed', 'closed'],
  )
})
