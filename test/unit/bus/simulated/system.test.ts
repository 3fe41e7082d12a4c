import test from 'ava'
import fc from 'fast-check'
import { nextFraction, seededRandom } from '../../../../actors/parts/random.ts'
import type { Bus } from '../../../../bus/bus.ts'
import { SimulatedClock } from '../../../../bus/simulated/clock.ts'
import { type FaultRates, Faults, NO_FAULTS } from '../../../../bus/simulated/faults.ts'
import { Interest, matches } from '../../../../bus/simulated/interest.ts'
import { SimulatedSystem } from '../../../../bus/simulated/system.ts'
import { ClusterError } from '../../../../protocol/errors.ts'

const SEED = '0123456789abcdef0123456789abcdef'

async function world(rates: Partial<FaultRates> = {}, seed = SEED) {
  const clock = new SimulatedClock()
  const random = seededRandom(seed)
  const faults = new Faults({ ...NO_FAULTS, ...rates }, () => nextFraction(random))
  const system = new SimulatedSystem(clock, faults)
  const connect = (name: string): Promise<Bus> => clock.runFor(system.connect({ name }))
  /** Lets so much time pass. */
  const pass = (ms: number): Promise<void> => clock.runUntil(clock.now().monotonicMs + ms)
  return { clock, system, faults, connect, pass }
}

/** What `bus` hears on `subject`, as the first byte of each payload. */
function hears(bus: Bus, subject: string): number[] {
  const seen: number[] = []
  bus.subscribe(subject, ({ payload }) => seen.push(payload[0] ?? -1))
  return seen
}

const say = (bus: Bus, subject: string, ...values: readonly number[]): void => {
  for (const value of values) bus.publish(subject, Uint8Array.of(value))
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

test('late messages keep their order within a pair, not across pairs', async (t) => {
  const { connect, pass } = await world({ late: 0.3, lateMs: [1, 50] })
  const [a, b, c] = [await connect('a'), await connect('b'), await connect('c')]
  const [fromA, fromB, all] = [hears(c, 'a'), hears(c, 'b'), hears(c, '*')]
  await pass(1)
  for (const i of upTo(100)) {
    say(a, 'a', i)
    say(b, 'b', 100 + i)
  }
  await pass(10_000)
  t.deepEqual(fromA, upTo(100))
  t.deepEqual(
    fromB,
    upTo(100).map((i) => 100 + i),
  )
  t.notDeepEqual(
    all,
    upTo(100).flatMap((i) => [i, 100 + i]),
  )
})

test('a message may reach one and not the other, or nobody, or twice; all is counted', async (t) => {
  const { connect, pass, faults } = await world({ lost: 0.2, lostForAll: 0.1, duplicated: 0.1 })
  const [a, b, c] = [await connect('a'), await connect('b'), await connect('c')]
  const [atB, atC] = [hears(b, 'x'), hears(c, 'x')]
  await pass(1)
  for (const i of upTo(100)) say(a, 'x', i)
  await pass(100)
  t.notDeepEqual(atB, atC)
  const { lost, lostForAll, duplicated } = faults.counts
  t.true(lost > 0 && lostForAll > 0 && duplicated > 0)
  t.is(atB.length + atC.length, 200 - lost - 2 * lostForAll + duplicated)
})

test('nothing passes between islands, but each hears its own echo', async (t) => {
  const { connect, pass, system, clock, faults } = await world()
  const [a, b] = [await connect('a'), await connect('b')]
  const atB = hears(b, 'x')
  await pass(1)
  system.move([b], 1)
  say(a, 'x', 1)
  await clock.runFor(b.flush())
  const error = await t.throwsAsync<ClusterError>(clock.runFor(system.keyValue(b, 'lease')))
  t.is(error.code, 'bus/store-unavailable')
  t.deepEqual([atB, a.state, b.state, faults.counts.cut], [[], 'connected', 'connected', 1])
  system.move([b], 0)
  say(a, 'x', 2)
  await pass(1)
  t.deepEqual(atB, [2])
})

test('a cut in one direction lets the other pass, also to the stores', async (t) => {
  const { connect, pass, system, clock } = await world()
  const [a, b] = [await connect('a'), await connect('b')]
  const [atA, atB] = [hears(a, 'to-a'), hears(b, 'to-b')]
  await pass(1)
  const store = await clock.runFor(system.keyValue(b, 'lease'))
  const talk = async (): Promise<void> => {
    say(a, 'to-b', 1)
    say(b, 'to-a', 2)
    await pass(1)
  }
  system.move([b], 1)
  system.cutOneWay(1, 'speaks')
  await talk()
  t.deepEqual([atA, atB], [[2], []])
  await t.throwsAsync(clock.runFor(store.write('key', Uint8Array.of(7), 0)))
  system.move([b], 2)
  system.cutOneWay(2, 'hears')
  await talk()
  t.deepEqual([atA, atB], [[2], [1]])
  system.move([b], 0)
  const { value } = (await clock.runFor(store.read('key'))) ?? {}
  t.deepEqual(value, Uint8Array.of(7), 'the question arrived, only the answer did not')
})

test('what a stalled connection says leaves late, also after a pause', async (t) => {
  const { connect, pass, system } = await world()
  const [a, b] = [await connect('a'), await connect('b')]
  const [atA, atB] = [hears(a, 'to-a'), hears(b, 'to-b')]
  await pass(1)
  system.stall(a)
  say(a, 'to-b', 1)
  say(b, 'to-a', 2)
  await pass(10)
  t.deepEqual([atA, atB], [[2], []])
  system.pause(a)
  say(b, 'to-a', 3)
  await pass(10)
  t.deepEqual([atA, atB], [[2], []])
  system.resume(a)
  await pass(1)
  t.deepEqual([atA, atB], [[2, 3], [1]])
})

test('what a killed process said last may not have left', async (t) => {
  const { connect, pass, system, clock } = await world({ delayMs: [1, 1] })
  const [a, b] = [await connect('a'), await connect('b')]
  const atB = hears(b, 'x')
  await pass(5)
  say(a, 'x', 1)
  clock.after(2, () => {
    say(a, 'x', 2)
    system.kill(a)
    say(a, 'x', 3)
  })
  await pass(10)
  t.deepEqual(atB, [1])
  t.is(a.state, 'closed')
})

test('a paused connection says and hears late, in order', async (t) => {
  const { connect, pass, system } = await world()
  const [a, b] = [await connect('a'), await connect('b')]
  const [atA, atB] = [hears(a, 'to-a'), hears(b, 'to-b')]
  await pass(1)
  system.pause(a)
  say(a, 'to-b', 1, 2)
  say(b, 'to-a', 3, 4)
  await pass(5_000)
  t.deepEqual([atA, atB], [[], []])
  system.resume(a)
  await pass(1)
  t.deepEqual(
    [atA, atB],
    [
      [3, 4],
      [1, 2],
    ],
  )
})

test('a lost connection loses what was on its way, and comes back', async (t) => {
  const { connect, pass, system, clock } = await world({ delayMs: [1, 1] })
  const [a, b] = [await connect('a'), await connect('b')]
  const atB = hears(b, 'x')
  await pass(5)
  say(a, 'x', 1)
  clock.after(1.5, () => system.disconnect(b, 100))
  const echo = t.throwsAsync<ClusterError>(b.flush())
  await pass(10)
  t.is((await echo).code, 'bus/disconnected')
  t.is(b.state, 'disconnected')
  await pass(100)
  t.is(b.state, 'connected')
  say(a, 'x', 2)
  await pass(5)
  t.deepEqual(atB, [2])
})

test('a write may be done although its answer was lost', async (t) => {
  const { connect, system, clock, faults } = await world()
  const store = await clock.runFor(system.keyValue(await connect('a'), 'lease'))
  faults.rates = { ...NO_FAULTS, storeAnswerLost: 1 }
  await t.throwsAsync(clock.runFor(store.write('k', Uint8Array.of(1), 0)), {
    instanceOf: ClusterError,
  })
  faults.rates = { ...NO_FAULTS, storeQuestionLost: 1 }
  await t.throwsAsync(clock.runFor(store.write('k', Uint8Array.of(2), 1)))
  faults.rates = NO_FAULTS
  t.deepEqual(await clock.runFor(store.read('k')), { value: Uint8Array.of(1), revision: 1 })
})

test('a write that left is done although who asked for it has gone, unless it was killed before', async (t) => {
  const { connect, system, clock, pass } = await world()
  const [a, b, c] = [await connect('a'), await connect('b'), await connect('c')]
  const write = async (bus: Bus, key: string): Promise<void> => {
    const store = await clock.runFor(system.keyValue(bus, 'lease'))
    void store.write(key, Uint8Array.of(1), 0).catch(() => undefined)
  }
  await write(a, 'closed')
  await a.close()
  await write(b, 'killed')
  system.kill(b)
  await pass(10)
  const store = await clock.runFor(system.keyValue(c, 'lease'))
  t.not(await clock.runFor(store.read('closed')), undefined)
  t.is(await clock.runFor(store.read('killed')), undefined)
})

test('what a server had not written when it crashed is not written later', async (t) => {
  const { connect, system, clock, pass, faults } = await world()
  const a = await connect('a')
  const store = await clock.runFor(system.keyValue(a, 'lease'))
  faults.rates = { ...NO_FAULTS, storeDelayMs: [20, 20] }
  void store.write('k', Uint8Array.of(1), 0).catch(() => undefined)
  await pass(5)
  system.crash()
  system.restart()
  await pass(100)
  t.is(await clock.runFor(store.read('k')), undefined)
})

test('after a crash the stores may be those of an earlier time', async (t) => {
  const { connect, system, clock, pass } = await world()
  const a = await connect('a')
  const log = await clock.runFor(system.log(a, 'registry'))
  await clock.runFor(log.append(Uint8Array.of(1), 0))
  const copy = system.copyStores()
  await clock.runFor(log.append(Uint8Array.of(2), 1))
  system.crash()
  await pass(10)
  system.restart(copy)
  await pass(10)
  t.is(a.state, 'connected')
  t.is((await clock.runFor(log.readFrom(1, 10))).lastSequence, 1)
  await clock.runFor(log.append(Uint8Array.of(3), 1))
  t.is(copy.logs.get('registry')?.lastSequence, 1)
})

test('the same seed gives the same run', async (t) => {
  const run = async (seed: string) => {
    const rates = { late: 0.1, lateMs: [1, 9], lost: 0.1, duplicated: 0.1 } as const
    const { connect, pass, clock, faults } = await world(rates, seed)
    const [a, b] = [await connect('a'), await connect('b')]
    const seen: (readonly [number, number])[] = []
    b.subscribe('x', ({ payload }) => seen.push([clock.now().monotonicMs, payload[0] ?? -1]))
    await pass(1)
    say(a, 'x', ...upTo(100))
    await pass(100)
    return { seen, counts: faults.counts }
  }
  t.deepEqual(await run(SEED), await run(SEED))
  t.notDeepEqual((await run(SEED)).seen, (await run(SEED.replaceAll('0', '5'))).seen)
})

test('who is interested is found as by comparing token by token', (t) => {
  const token = fc.constantFrom('a', 'b', 'c')
  const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'))
  const pattern = fc
    .tuple(
      fc.array(fc.oneof(token, fc.constant('*')), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
    )
    .map(([tokens, isOpen]) => [...tokens, ...(isOpen ? ['>'] : [])].join('.'))
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 12 }), subject, (patterns, given) => {
      const interest = new Interest<{ subject: string }>()
      const listeners = patterns.map((each) => ({ subject: each }))
      for (const listener of listeners) interest.add(listener)
      const expected = listeners.filter((listener) =>
        matches(listener.subject.split('.'), given.split('.')),
      )
      t.deepEqual(interest.in(given), expected)
      for (const listener of listeners.slice(1)) interest.remove(listener)
      t.true(interest.in(given).every((listener) => listener === listeners[0]))
    }),
  )
  t.false(matches(['a', '>'], ['a']))
  t.true(matches(['>'], ['a', 'b']))
  t.false(matches(['a', 'b'], ['a']))
})
