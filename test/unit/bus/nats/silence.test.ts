import test from 'ava'
import { SilenceWatch } from '../../../../bus/nats/silence.ts'
import { SimulatedClock } from '../../../../bus/simulated/clock.ts'
import { Faults, NO_FAULTS } from '../../../../bus/simulated/faults.ts'
import { SimulatedSystem } from '../../../../bus/simulated/system.ts'
import type { ClusterError } from '../../../../protocol/errors.ts'

const SUBJECT = 'c.leader'
const ROUND = ['a', 'b', 'c']

async function watched() {
  const clock = new SimulatedClock()
  const system = new SimulatedSystem(clock, new Faults(NO_FAULTS, () => 0.5))
  const bus = await clock.runFor(system.connect({ name: 'agent a1' }))
  const leader = await clock.runFor(system.connect({ name: 'leader' }))
  const leftAtS: number[] = []
  const told: string[] = []
  const onFault = ({ code, message }: ClusterError) => told.push(`${code}: ${message}`)
  const watch = new SilenceWatch({ subject: SUBJECT, round: ROUND, clock, onFault })
  let at = 'a'
  watch.add({
    bus,
    server: () => at,
    goTo(server) {
      at = server
      leftAtS.push(clock.now().monotonicMs / 1_000)
    },
  })
  const pass = (s: number) => clock.runUntil(clock.now().monotonicMs + s * 1_000)
  const beats = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      leader.publish(SUBJECT, new Uint8Array())
      await pass(1)
    }
  }
  return { clock, system, watch, bus, leftAtS, told, pass, beats }
}

test('who hears a leader stays where it is', async (t) => {
  const { leftAtS, pass, beats } = await watched()
  for (let i = 0; i < 20; i++) {
    await beats(5)
    await pass(8)
  }
  t.deepEqual(leftAtS, [])
})

test('who hears none for ten to fifteen seconds leaves, and says so', async (t) => {
  const { clock, leftAtS, told, pass, beats } = await watched()
  await beats(30)
  const heardAtS = clock.now().monotonicMs / 1_000
  await pass(16)
  const [after = 0, ...more] = leftAtS.map((atS) => atS - heardAtS)
  t.true(after >= 9 && after <= 15, `after ${after} s`)
  t.deepEqual(more, [])
  t.deepEqual(told, ['bus/no-leader: hears no leader: tries another NATS server'])
})

test('where nobody leads it is tried ever more rarely, until one is heard', async (t) => {
  const { leftAtS, pass, beats } = await watched()
  await pass(400)
  const pauses = leftAtS.map((atS, i) => atS - (leftAtS[i - 1] ?? 0))
  const least = [10, 20, 40, 80, 80, 80]
  t.true(pauses.length >= 5, pauses.join())
  for (const [i, pause] of pauses.entries()) t.true(pause >= (least[i] ?? 80) - 1, pauses.join())

  leftAtS.length = 0
  await beats(1)
  await pass(16)
  t.is(leftAtS.length, 1)
})

test('a connection that is closed is not watched any more', async (t) => {
  const { clock, bus, leftAtS, pass } = await watched()
  await clock.runFor(bus.close())
  await pass(100)
  t.deepEqual(leftAtS, [])
})

/** One that hears nobody, and where it has been. */
async function deafAt(
  { clock, system, watch }: Awaited<ReturnType<typeof watched>>,
  server: string,
): Promise<readonly string[]> {
  const bus = await clock.runFor(system.connect({ name: `agent a1 at ${server}` }))
  system.move([bus], 1)
  const been = [server]
  watch.add({ bus, server: () => been.at(-1) ?? '', goTo: (to) => been.push(to) })
  return been
}

test('when one of several hears none all go where none of them was, also who hears one', async (t) => {
  const world = await watched()
  const been = await deafAt(world, 'b')
  await world.beats(16)
  t.deepEqual([world.leftAtS.length, world.told.length], [1, 1])
  t.deepEqual(been, ['b', 'c'])
})

test('where they are everywhere they go to the next of who hears none', async (t) => {
  const world = await watched()
  const deaf = [await deafAt(world, 'c'), await deafAt(world, 'c'), await deafAt(world, 'b')]
  await world.beats(16)
  t.is(new Set(deaf.map((been) => been.at(-1))).size, 1)
  t.true(['a', 'c'].includes(deaf[0]?.at(-1) ?? ''))
})

test('where all are silent they leave together, as rarely as one, and go round', async (t) => {
  const world = await watched()
  const been = await deafAt(world, 'a')
  await world.pass(400)
  const { length } = world.leftAtS
  t.true(length >= 4 && length <= 8, world.leftAtS.join())
  t.is(world.told.length, length)
  t.deepEqual(
    been,
    Array.from({ length: length + 1 }, (_, i) => ROUND[i % 3] as string),
  )
})

test('when one hears a leader the others do not wait as long as they would have', async (t) => {
  const world = await watched()
  const been = await deafAt(world, 'b')
  await world.pass(200)
  const { length } = been
  await world.beats(15)
  t.is(been.length, length + 1)
})
