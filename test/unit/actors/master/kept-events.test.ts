import test from 'ava'
import { type KeptEventsDeps, keepEvents } from '../../../../actors/master/kept-events.ts'
import type { Bus, HistoryLimits } from '../../../../bus/bus.ts'
import { SimulatedClock } from '../../../../bus/simulated/clock.ts'
import { NO_STORES } from '../../../../bus/simulated/stores.ts'
import { SimulatedSystem } from '../../../../bus/simulated/system.ts'
import { allEvents, eventStream } from '../../../../protocol/subjects.ts'

const KEPT = { name: eventStream('test'), pattern: allEvents('test') }

async function world() {
  const clock = new SimulatedClock()
  const system = new SimulatedSystem(clock)
  const bus = await clock.runFor(system.connect({ name: 'operators' }))
  const logged: string[] = []
  const onLog: KeptEventsDeps['onLog'] = ({ message }) => logged.push(message)
  const keep = (chosen: Partial<HistoryLimits> = {}) =>
    keepEvents({ cluster: 'test', system, bus, clock, chosen, onLog })
  const pass = (ms: number): Promise<void> =>
    clock.runFor(new Promise((resolve) => void clock.after(ms, () => (clock.settles(), resolve()))))
  const isKept = (): Promise<boolean> =>
    clock.runFor(
      system
        .history(bus, KEPT)
        .last()
        .then(
          () => true,
          () => false,
        ),
    )
  return { clock, system, bus, logged, keep, pass, isKept }
}

const connected = (bus: Bus): Promise<void> =>
  new Promise((resolve) => void bus.onState((state) => state === 'connected' && resolve()))

test('events are kept from the start on', async (t) => {
  const { clock, keep, isKept, logged } = await world()
  const kept = keep()
  await clock.runFor(kept.tried)
  t.true(await isKept())
  t.deepEqual(logged, [])
  kept.stop()
})

test('a store that is not there costs a sentence, and is asked again', async (t) => {
  const { clock, system, bus, keep, pass, isKept, logged } = await world()
  system.crash()
  const kept = keep()
  await clock.runFor(kept.tried)
  t.deepEqual(logged.length, 1)
  t.regex(logged[0] ?? '', /^events are not kept: /)
  const back = connected(bus)
  system.restart()
  await clock.runFor(back)
  await pass(5_000)
  t.true(await isKept())
  kept.stop()
})

test('a stream that was lost with its server is made again', async (t) => {
  const { clock, system, bus, keep, pass, isKept } = await world()
  const kept = keep()
  await clock.runFor(kept.tried)
  system.crash()
  const back = connected(bus)
  system.restart(NO_STORES)
  await clock.runFor(back)
  await pass(100)
  t.true(await isKept())
  kept.stop()
})

test('a stream of that name that keeps other subjects is left alone', async (t) => {
  const { clock, system, bus, keep, logged, pass } = await world()
  const limits = { ageMsMax: 1_000, bytesMax: 1_000 }
  await clock.runFor(system.keepHistory(bus, { name: KEPT.name, pattern: 'other.>', limits }))
  const kept = keep()
  await clock.runFor(kept.tried)
  for (let i = 0; i < 4; i++) await pass(50_000)
  t.is(logged.length, 1)
  t.regex(logged[0] ?? '', /keeps other\.>/)
  kept.stop()
})
