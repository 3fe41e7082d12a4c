/** What every bus promises, one sentence each. NATS and the simulated bus run the same file. */
import assert from 'node:assert/strict'
import type { ExecutionContext, TestFn } from 'ava'
import type {
  Bus,
  BusMessage,
  BusSystem,
  ConnectionState,
  LogPart,
  LogStore,
} from '../../bus/bus.ts'
import type { Clock } from '../../bus/clock.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { BARE_INBOX } from '../../protocol/subjects.ts'

/** A server with nobody connected yet, and time that passes or is made to pass. */
export interface BusWorld {
  readonly system: BusSystem
  readonly clock: Clock
  readonly wait: <T>(promise: Promise<T>) => Promise<T>
  /** All lose the server, `during` happens, and it is back, with its stores or without. */
  outage(during: () => Promise<void>, stores: 'kept' | 'lost'): Promise<void>
  close(): Promise<void>
}

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values)
const plain = (payload: Uint8Array | undefined): number[] => [...(payload ?? [])]

export function busContract(test: TestFn, name: string, open: () => Promise<BusWorld>): void {
  const promise = promised(test, name, open)
  messages(promise)
  answers(promise)
  connections(promise)
  buckets(promise)
  logs(promise)
  outages(promise)
}

export type Promised = (
  sentence: string,
  proof: (t: ExecutionContext, world: BusWorld) => Promise<void>,
) => void

/** Each promise is a test in a world of its own. */
export const promised =
  (test: TestFn, name: string, open: () => Promise<BusWorld>): Promised =>
  (sentence, proof) =>
    test(`${name}: ${sentence}`, async (t) => {
      const world = await open()
      try {
        await proof(t, world)
      } finally {
        await world.close()
      }
    })

export const connect = ({ wait, system }: BusWorld, name: string): Promise<Bus> =>
  wait(system.connect({ name }))

/** What `from` said before has been heard by `to` when this resolves. */
export async function heard({ wait }: BusWorld, from: Bus, to: Bus): Promise<void> {
  await wait(from.flush())
  await wait(to.flush())
}

function collect(bus: Bus, subject: string): BusMessage[] {
  const messages: BusMessage[] = []
  bus.subscribe(subject, (message) => messages.push(message))
  return messages
}

function messages(promise: Promised): void {
  promise('messages arrive in the order in which they were published', async (t, world) => {
    const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
    const seen: number[] = []
    b.subscribe('x.one', ({ payload }) => seen.push(...payload))
    b.subscribe('x.two', ({ payload }) => seen.push(...payload))
    await world.wait(b.flush())
    for (let i = 0; i < 200; i++) a.publish(i % 3 === 0 ? 'x.one' : 'x.two', bytes(i))
    await heard(world, a, b)
    t.deepEqual(
      seen,
      Array.from({ length: 200 }, (_, i) => i),
    )
  })

  promise('* stands for one token and a last > for one or more', async (t, world) => {
    const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
    const seen: Record<string, string[]> = {}
    for (const pattern of ['x.*', 'x.>', 'x.*.z', '*.y', 'x.y'])
      b.subscribe(pattern, ({ subject }) => (seen[pattern] ??= []).push(subject))
    await world.wait(b.flush())
    for (const subject of ['x', 'x.y', 'x.y.z', 'w.y']) a.publish(subject, bytes())
    await heard(world, a, b)
    t.deepEqual(seen, {
      'x.*': ['x.y'],
      'x.>': ['x.y', 'x.y.z'],
      'x.*.z': ['x.y.z'],
      '*.y': ['x.y', 'w.y'],
      'x.y': ['x.y'],
    })
  })

  promise('every subscription hears a message, and so does who published it', async (t, world) => {
    const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
    const seen = [collect(a, 'x'), collect(b, 'x'), collect(b, 'x')]
    await world.wait(b.flush())
    a.publish('x', bytes(1))
    await heard(world, a, b)
    t.deepEqual(
      seen.map((messages) => messages.length),
      [1, 1, 1],
    )
  })

  promise('a closed subscription hears nothing more', async (t, world) => {
    const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
    let count = 0
    const subscription = b.subscribe('x', () => {
      count++
      subscription.close()
    })
    await world.wait(b.flush())
    for (let i = 0; i < 3; i++) a.publish('x', bytes(i))
    await heard(world, a, b)
    t.is(count, 1)
  })
}

function answers(promise: Promised): void {
  promise('payload, reply subject and headers arrive as they were', async (t, world) => {
    const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
    const messages = collect(b, 'x')
    await world.wait(b.flush())
    const payload = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251)
    a.publish('x', payload, { reply: 'y.z', headers: { 'Nats-Service-Error-Code': '409' } })
    a.publish('x', bytes())
    await heard(world, a, b)
    t.true(Buffer.from(payload).equals(messages[0]?.payload ?? bytes()))
    t.is(messages[0]?.reply, 'y.z')
    t.is(messages[0]?.headers?.['Nats-Service-Error-Code'], '409')
    t.is(messages[1]?.reply, undefined)
    t.is(messages[1]?.payload.length, 0)
  })

  promise('who wants an answer where nobody listens is told so', async (t, world) => {
    const a = await connect(world, 'a')
    const answers = collect(a, `${a.inbox}.*`)
    await world.wait(a.flush())
    a.publish('nobody', bytes(1), { reply: `${a.inbox}.1` })
    await world.wait(a.flush())
    t.deepEqual(
      answers.map(({ subject, noResponders }) => [subject, noResponders]),
      [[`${a.inbox}.1`, true]],
    )
  })

  promise('a flush resolves after what one said to oneself', async (t, world) => {
    const a = await connect(world, 'a')
    const messages = collect(a, 'x')
    for (let i = 0; i < 20; i++) a.publish('x', bytes(i))
    await world.wait(a.flush())
    t.is(messages.length, 20)
  })
}

function connections(promise: Promised): void {
  promise('a connection has its name, an inbox of its own, and is connected', async (t, world) => {
    const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
    const c = await world.wait(world.system.connect({ name: 'c', inbox: `${BARE_INBOX}mine` }))
    t.deepEqual([a.name, a.state], ['a', 'connected'])
    t.not(a.inbox, b.inbox)
    t.is(c.inbox, `${BARE_INBOX}mine`)
  })

  promise('what was published before a close arrives', async (t, world) => {
    const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
    const messages = collect(b, 'x')
    await world.wait(b.flush())
    for (let i = 0; i < 50; i++) a.publish('x', bytes(i))
    await world.wait(a.close())
    await heard(world, b, b)
    t.is(messages.length, 50)
  })

  promise(
    'a closed connection stays closed, is silent and may be closed again',
    async (t, world) => {
      const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
      const messages = collect(b, 'x')
      const states: ConnectionState[] = []
      a.onState((state) => states.push(state))
      await world.wait(b.flush())
      await world.wait(a.close())
      await world.wait(a.close())
      a.publish('x', bytes(1))
      await heard(world, b, b)
      t.is(a.state, 'closed')
      t.deepEqual(states, ['closed'])
      t.is(messages.length, 0)
      await t.throwsAsync(world.wait(a.flush()), { instanceOf: ClusterError, message: /lost/ })
    },
  )
}

function buckets(promise: Promised): void {
  promise(
    'a key that was never written is absent, and is written at revision 0',
    async (t, world) => {
      const a = await connect(world, 'a')
      const store = await world.wait(world.system.keyValue(a, 'lease'))
      t.is(await world.wait(store.read('k')), undefined)
      const written = await world.wait(store.write('k', bytes(1, 2), 0))
      t.true(written.done)
      const entry = await world.wait(store.read('k'))
      t.deepEqual(plain(entry?.value), [1, 2])
      t.deepEqual(written, { done: true, revision: entry?.revision ?? -1 })
      t.deepEqual(await world.wait(store.write('k', bytes(3), 0)), { done: false })
    },
  )

  promise('a write with an old revision changes nothing', async (t, world) => {
    const a = await connect(world, 'a')
    const store = await world.wait(world.system.keyValue(a, 'lease'))
    const first = await world.wait(store.write('k', bytes(1), 0))
    const second = first.done && (await world.wait(store.write('k', bytes(2), first.revision)))
    if (!first.done || !second || !second.done) return t.fail('a good write was refused')
    t.true(second.revision > first.revision)
    t.deepEqual(await world.wait(store.write('k', bytes(3), first.revision)), { done: false })
    t.deepEqual(plain((await world.wait(store.read('k')))?.value), [2])
  })

  promise('of many writes at one revision exactly one is done', async (t, world) => {
    const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
    const stores = [
      await world.wait(world.system.keyValue(a, 'lease')),
      await world.wait(world.system.keyValue(b, 'lease')),
    ]
    const outcomes = await world.wait(
      Promise.all([0, 1, 2, 3].flatMap((i) => stores.map((s) => s.write('k', bytes(i), 0)))),
    )
    t.is(outcomes.filter(({ done }) => done).length, 1)
  })

  promise('keys and buckets do not touch each other', async (t, world) => {
    const a = await connect(world, 'a')
    const [one, two] = [
      await world.wait(world.system.keyValue(a, 'one')),
      await world.wait(world.system.keyValue(a, 'two')),
    ]
    t.true((await world.wait(one.write('k', bytes(1), 0))).done)
    t.true((await world.wait(one.write('l', bytes(2), 0))).done)
    t.is(await world.wait(two.read('k')), undefined)
    t.deepEqual(plain((await world.wait(one.read('k')))?.value), [1])
  })
}

async function readAll(log: LogStore): Promise<Omit<LogPart, 'next'>> {
  const { next, ...part } = await log.readFrom(1, 1_000)
  assert.equal(next, part.lastSequence + 1)
  return part
}

function logs(promise: Promised): void {
  promise('a log is read in parts, from anywhere', async (t, world) => {
    const a = await connect(world, 'a')
    const log = await world.wait(world.system.log(a, 'registry'))
    for (let i = 0; i < 7; i++) await world.wait(log.append(bytes(i), i))
    const read = async (sequence: number, entriesMax: number): Promise<number[]> => {
      const { entries, next, lastSequence } = await world.wait(log.readFrom(sequence, entriesMax))
      return [...entries.map((entry) => entry.sequence), next, lastSequence]
    }
    t.deepEqual(await read(1, 3), [1, 2, 3, 4, 7])
    t.deepEqual(await read(4, 100), [4, 5, 6, 7, 8, 7])
    t.deepEqual(await read(8, 3), [8, 7])
    t.deepEqual(await read(20, 3), [20, 7])
    await world.wait(log.removeBelow(5))
    t.deepEqual(await read(2, 2), [5, 6, 7, 7])
  })

  promise('a log keeps its entries in order and counts from 1', async (t, world) => {
    const a = await connect(world, 'a')
    const log = await world.wait(world.system.log(a, 'registry'))
    t.deepEqual(await world.wait(readAll(log)), { entries: [], lastSequence: 0 })
    for (let i = 0; i < 70; i++)
      t.deepEqual(await world.wait(log.append(bytes(i), i)), { done: true, sequence: i + 1 })
    const { entries, lastSequence } = await world.wait(readAll(log))
    t.is(lastSequence, 70)
    t.deepEqual(
      entries.map(({ sequence, payload }) => [sequence, ...payload]),
      Array.from({ length: 70 }, (_, i) => [i + 1, i]),
    )
  })

  promise('an append that expects another last sequence changes nothing', async (t, world) => {
    const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
    const mine = await world.wait(world.system.log(a, 'registry'))
    const theirs = await world.wait(world.system.log(b, 'registry'))
    await world.wait(mine.append(bytes(1), 0))
    t.deepEqual(await world.wait(theirs.append(bytes(2), 0)), { done: false })
    t.deepEqual(await world.wait(theirs.append(bytes(2), 2)), { done: false })
    t.deepEqual(await world.wait(theirs.append(bytes(2), 1)), { done: true, sequence: 2 })
    t.is((await world.wait(readAll(mine))).entries.length, 2)
  })

  promise('a log that was cut goes on counting', async (t, world) => {
    const a = await connect(world, 'a')
    const log = await world.wait(world.system.log(a, 'registry'))
    for (let i = 0; i < 4; i++) await world.wait(log.append(bytes(i), i))
    await world.wait(log.removeBelow(3))
    await world.wait(log.removeBelow(3))
    const { entries, lastSequence } = await world.wait(readAll(log))
    t.deepEqual([entries.map(({ sequence }) => sequence), lastSequence], [[3, 4], 4])
    await world.wait(log.removeBelow(5))
    t.deepEqual(await world.wait(readAll(log)), { entries: [], lastSequence: 4 })
    t.deepEqual(await world.wait(log.append(bytes(9), 0)), { done: false })
    t.deepEqual(await world.wait(log.append(bytes(9), 4)), { done: true, sequence: 5 })
  })
}

/** Resolves at the next change to `state`, or at once. */
export function untilState(bus: Bus, state: ConnectionState): Promise<void> {
  return new Promise((resolve) => {
    if (bus.state === state) return resolve()
    const subscription = bus.onState((now) => {
      if (now !== state) return
      subscription.close()
      resolve()
    })
  })
}

function outages(promise: Promised): void {
  promise('a lost server is told, and what was said meanwhile is lost', async (t, world) => {
    const [a, b] = [await connect(world, 'a'), await connect(world, 'b')]
    const states: ConnectionState[] = []
    a.onState((state) => states.push(state))
    const messages = collect(b, 'x')
    await world.wait(b.flush())
    await world.outage(async () => {
      await world.wait(Promise.all([untilState(a, 'disconnected'), untilState(b, 'disconnected')]))
      a.publish('x', bytes(1))
      await t.throwsAsync(world.wait(a.flush()), { instanceOf: ClusterError })
    }, 'kept')
    await world.wait(Promise.all([untilState(a, 'connected'), untilState(b, 'connected')]))
    t.deepEqual(states, ['disconnected', 'connected'])
    await heard(world, a, b)
    t.is(messages.length, 0)
    a.publish('x', bytes(2))
    await heard(world, a, b)
    t.deepEqual(
      messages.map(({ payload }) => plain(payload)),
      [[2]],
    )
  })

  promise('without a server stores fail for now, and nobody can connect', async (t, world) => {
    const a = await connect(world, 'a')
    const store = await world.wait(world.system.keyValue(a, 'lease'))
    const log = await world.wait(world.system.log(a, 'registry'))
    const written = await world.wait(store.write('k', bytes(1), 0))
    await world.wait(log.append(bytes(1), 0))
    await world.outage(async () => {
      await world.wait(untilState(a, 'disconnected'))
      const questions = [
        () => store.read('k'),
        () => log.append(bytes(2), 1),
        () => readAll(log),
        () => world.system.keyValue(a, 'lease'),
      ]
      for (const question of questions) {
        const error = await t.throwsAsync<ClusterError>(world.wait<unknown>(question()))
        t.deepEqual([error.code, error.retry], ['bus/store-unavailable', 'later'])
      }
      const error = await t.throwsAsync<ClusterError>(connect(world, 'late'))
      t.is(error.code, 'bus/no-server')
    }, 'kept')
    await world.wait(untilState(a, 'connected'))
    const entry = await world.wait(store.read('k'))
    t.deepEqual(written, { done: true, revision: entry?.revision ?? -1 })
    t.is((await world.wait(readAll(log))).lastSequence, 1)
  })

  promise('a store that was lost is empty, and can be written from the start', async (t, world) => {
    const a = await connect(world, 'a')
    const store = await world.wait(world.system.keyValue(a, 'lease'))
    const log = await world.wait(world.system.log(a, 'registry'))
    await world.wait(store.write('k', bytes(1), 0))
    for (let i = 0; i < 3; i++) await world.wait(log.append(bytes(i), i))
    await world.outage(() => world.wait(untilState(a, 'disconnected')), 'lost')
    await world.wait(untilState(a, 'connected'))
    t.is(await again(world, () => store.read('k')), undefined)
    t.deepEqual(await again(world, () => log.append(bytes(9), 3)), { done: false })
    t.deepEqual(await again(world, () => readAll(log)), { entries: [], lastSequence: 0 })
    t.true((await world.wait(store.write('k', bytes(2), 0))).done)
  })
}

/** The first question to a store that is gone may fail; it is made again meanwhile. */
async function again<T>({ wait }: BusWorld, ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await wait(ask())
    } catch (error) {
      const isLater = error instanceof ClusterError && error.retry === 'later'
      if (!isLater || tries === 5) throw error
    }
  }
}
