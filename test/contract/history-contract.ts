/** What every bus promises of the histories that it keeps. */
import type { TestFn } from 'ava'
import type { Bus, HistorySettings } from '../../bus/bus.ts'
import {
  followHistory,
  type HistoryItem,
  HistoryReader,
  sequenceBefore,
} from '../../bus/history.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { type BusWorld, connect, heard, promised, untilState } from './bus-contract.ts'

const PATTERN = 'x.event.>'
const SETTINGS: HistorySettings = {
  name: 'x_events',
  pattern: PATTERN,
  limits: { ageMsMax: 3_600_000, bytesMax: 10_000_000 },
}

export function historyContract(test: TestFn, name: string, open: () => Promise<BusWorld>): void {
  const promise = promised(test, name, open)
  keeping(promise)
  reading(promise)
  following(promise)
}

type Promised = ReturnType<typeof promised>

function keeping(promise: Promised): void {
  promise(
    'what is published is kept, counted from 1, and found by its subject',
    async (t, world) => {
      const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
      a.publish('x.event.before', Uint8Array.of(0))
      await keep(world, a)
      await say(world, a, ['task.failed', 'agent.left', 'task.failed'])
      const history = world.system.history(b, SETTINGS)
      t.is((await world.wait(history.next(PATTERN, 1)))?.subject, 'x.event.task.failed')
      const agents = await world.wait(history.next('x.event.agent.*', 1))
      t.deepEqual([agents?.sequence, agents?.subject], [2, 'x.event.agent.left'])
      t.deepEqual([...(agents?.payload ?? [])], [...Buffer.from('agent.left')])
      t.is((await world.wait(history.next('x.event.task.*', 2)))?.sequence, 3)
      t.is(await world.wait(history.next('x.event.agent.*', 3)), undefined)
      const last = await world.wait(history.last())
      t.is(last?.sequence, 3)
      t.true((last?.atMs ?? 0) >= (agents?.atMs ?? Number.POSITIVE_INFINITY))
    },
  )

  promise('a history that is there is kept on, with the limits that it has', async (t, world) => {
    const a = await connect(world, 'a')
    await keep(world, a, { limits: { ...SETTINGS.limits, bytesMax: 100_000 } })
    await keep(world, a)
    const kilobyte = 'k'.repeat(1_024)
    await say(world, a, Array(200).fill(kilobyte), () => 'a')
    t.true((await firstOf(world, a)) > 100)
    await keep(world, a, { chosen: { bytesMax: 20_000 } })
    t.true((await firstOf(world, a)) > 180)
    await keep(world, a)
    await say(world, a, Array(50).fill(kilobyte), () => 'a')
    t.true((await firstOf(world, a)) > 230)
  })

  promise('a history of other subjects is left as it is, and that is said', async (t, world) => {
    const a = await connect(world, 'a')
    await keep(world, a)
    const others = { ...SETTINGS, pattern: 'x.other.>' }
    const error = await t.throwsAsync<ClusterError>(world.wait(world.system.keepHistory(a, others)))
    t.deepEqual([error.code, error.retry], ['bus/store-settings', 'never'])
  })

  promise('nothing can be read where nothing is kept', async (t, world) => {
    const a = await connect(world, 'a')
    const asked = world.wait(world.system.history(a, SETTINGS).last())
    const error = await t.throwsAsync<ClusterError>(asked)
    t.deepEqual([error.code, error.retry], ['bus/store-unavailable', 'later'])
  })
}

function reading(promise: Promised): void {
  promise('a reader reads on where it stood, and only what it wants', async (t, world) => {
    const a = await connect(world, 'a')
    await keep(world, a)
    const subjectOf = (_: string, i: number): string => (i % 3 === 0 ? 'task.failed' : 'agent.left')
    await say(world, a, Array(300).fill(''), subjectOf)
    const all = reader(world, a, { filter: PATTERN, after: 250 })
    t.deepEqual(await sequences(world, all), range(251, 300))
    t.deepEqual(await sequences(world, all), [])
    const failed = reader(world, a, { filter: 'x.event.*.failed', after: 0 })
    const wanted = range(1, 300).filter((sequence) => sequence % 3 === 1)
    t.deepEqual(await sequences(world, failed), wanted)
    await say(world, a, ['agent.left', 'task.failed'])
    t.deepEqual(await sequences(world, failed), [302])
    t.deepEqual(await sequences(world, all), [301, 302])
  })

  promise('a reader is told what went before it could be read', async (t, world) => {
    const a = await connect(world, 'a')
    await keep(world, a, { limits: { ...SETTINGS.limits, bytesMax: 20_000 } })
    await say(world, a, ['agent.left', 'agent.left', 'agent.left'])
    const all = reader(world, a, { filter: PATTERN, after: 0 })
    const failed = reader(world, a, { filter: 'x.event.*.failed', after: 2 })
    t.deepEqual(await sequences(world, all), [1, 2, 3])
    t.deepEqual(await sequences(world, failed), [])
    await say(world, a, Array(100).fill('k'.repeat(1_024)), () => 'task.failed')
    const first = await firstOf(world, a)
    const [lost, ...rest] = await items(world, all)
    t.deepEqual(lost, { kind: 'lost', from: 4, to: first - 1 })
    t.deepEqual(rest.map(sequenceOf), range(first, 103))
    const [lostToo, ...found] = await items(world, failed)
    t.deepEqual(lostToo, { kind: 'lost', from: 3, to: first - 1 })
    t.deepEqual(found.map(sequenceOf), range(first, 103))
  })

  promise('a time is found in a history', async (t, world) => {
    const a = await connect(world, 'a')
    await keep(world, a)
    const history = world.system.history(a, SETTINGS)
    const before = (atMs: number): Promise<number> =>
      world.wait(sequenceBefore({ history, pattern: PATTERN }, atMs))
    t.is(await before(0), 0)
    for (let i = 0; i < 20; i++) await say(world, a, ['task.failed'])
    const tenth = await world.wait(history.next(PATTERN, 10))
    const found = await before(tenth?.atMs ?? 0)
    const next = await world.wait(history.next(PATTERN, found + 1))
    t.is(next?.atMs, tenth?.atMs)
    t.true(found < 10)
    t.is(await before(0), 0)
    t.is((await before((await world.wait(history.last()))?.atMs ?? 0)) < 20, true)
    t.is(await before(Number.MAX_SAFE_INTEGER), 20)
  })
}

function following(promise: Promised): void {
  promise('who follows hears what comes, also after an outage', async (t, world) => {
    const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
    await keep(world, a)
    await say(world, a, ['task.failed'])
    const faults: string[] = []
    const end = new AbortController()
    const follower = follow(world, b, { faults, signal: end.signal })
    t.is(await nextSequence(world, follower), 1)
    const second = nextSequence(world, follower)
    await say(world, a, ['task.failed'])
    t.is(await second, 2)
    const third = nextSequence(world, follower)
    await world.outage(() => world.wait(untilState(b, 'disconnected')), 'kept')
    await world.wait(Promise.all([a, b].map((bus) => untilState(bus, 'connected'))))
    await say(world, a, ['task.failed'])
    t.is(await third, 3)
    end.abort()
    t.true((await world.wait(follower.next())).done)
    t.true(faults.length <= 1)
  })

  promise('who follows over a lost store is told that it began anew', async (t, world) => {
    const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
    await keep(world, a)
    await say(world, a, ['task.failed', 'task.failed'])
    const end = new AbortController()
    const follower = follow(world, b, { faults: [], signal: end.signal })
    t.deepEqual([await nextSequence(world, follower), await nextSequence(world, follower)], [1, 2])
    const next = world.wait(follower.next())
    await world.outage(() => world.wait(untilState(b, 'disconnected')), 'lost')
    await world.wait(Promise.all([a, b].map((bus) => untilState(bus, 'connected'))))
    await keep(world, a)
    await say(world, a, ['task.failed', 'task.failed'])
    t.deepEqual((await next).value, { kind: 'began-anew' })
    t.deepEqual([await nextSequence(world, follower), await nextSequence(world, follower)], [1, 2])
    end.abort()
    t.true((await world.wait(follower.next())).done)
  })
}

async function keep(
  world: BusWorld,
  bus: Bus,
  changed: Partial<HistorySettings> = {},
): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await world.wait(world.system.keepHistory(bus, { ...SETTINGS, ...changed }))
    } catch (error) {
      const isLater = error instanceof ClusterError && error.retry === 'later'
      if (!isLater || tries === 5) throw error
    }
  }
}

/** Publishes each text, as its own subject if none is given, and waits until it is stored. */
async function say(
  world: BusWorld,
  bus: Bus,
  texts: readonly string[],
  subjectOf: (text: string, i: number) => string = (text) => text,
): Promise<void> {
  const history = world.system.history(bus, SETTINGS)
  const before = (await world.wait(history.last()))?.sequence ?? 0
  for (const [i, text] of texts.entries())
    bus.publish(`x.event.${subjectOf(text, i)}`, Buffer.from(text))
  await heard(world, bus, bus)
  while (((await world.wait(history.last()))?.sequence ?? 0) < before + texts.length);
}

interface Wanted {
  readonly filter: string
  readonly after: number
}

const reader = (world: BusWorld, bus: Bus, wanted: Wanted): HistoryReader =>
  new HistoryReader({
    history: world.system.history(bus, SETTINGS),
    pattern: PATTERN,
    clock: world.clock,
    ...wanted,
  })

function follow(
  world: BusWorld,
  bus: Bus,
  { faults, signal }: { readonly faults: string[]; readonly signal: AbortSignal },
): AsyncGenerator<HistoryItem> {
  return followHistory({
    reader: reader(world, bus, { filter: PATTERN, after: 0 }),
    bus,
    clock: world.clock,
    filter: PATTERN,
    signal,
    onFault: ({ code }) => faults.push(code),
  })
}

async function items({ wait }: BusWorld, from: HistoryReader): Promise<HistoryItem[]> {
  const found: HistoryItem[] = []
  const all = async (): Promise<void> => {
    for await (const item of from.read()) found.push(item)
  }
  await wait(all())
  return found
}

const sequenceOf = (item: HistoryItem): number | string =>
  item.kind === 'message' ? item.message.sequence : item.kind

const sequences = async (world: BusWorld, from: HistoryReader): Promise<(number | string)[]> =>
  (await items(world, from)).map(sequenceOf)

async function nextSequence(
  { wait }: BusWorld,
  follower: AsyncGenerator<HistoryItem>,
): Promise<number | string | undefined> {
  const { value } = (await wait(follower.next())) as IteratorResult<HistoryItem, undefined>
  return value && sequenceOf(value)
}

async function firstOf(world: BusWorld, bus: Bus): Promise<number> {
  const history = world.system.history(bus, SETTINGS)
  return (await world.wait(history.next(PATTERN, 1)))?.sequence ?? 0
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i)
