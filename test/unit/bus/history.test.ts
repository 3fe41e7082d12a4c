/** Readers of histories against servers that lag behind, or forget. */
import test from 'ava'
import type { History, StoredMessage } from '../../../bus/bus.ts'
import { followHistory, type HistoryItem, HistoryReader } from '../../../bus/history.ts'
import { SimulatedClock } from '../../../bus/simulated/clock.ts'
import { SimulatedSystem } from '../../../bus/simulated/system.ts'
import { ClusterError } from '../../../protocol/errors.ts'

const PATTERN = 'x.>'
const FILTER = 'x.failed'

const message = (sequence: number, word = 'failed', atMs = sequence * 10): StoredMessage => ({
  sequence,
  atMs,
  subject: `x.${word}`,
  payload: Uint8Array.of(sequence),
})

/**
 * A server that holds what `messages` gives at the moment, and whose newest may be known before.
 */
function fake(messages: () => readonly StoredMessage[], newest = messages): History {
  return {
    next: (filter, sequence) =>
      Promise.resolve(
        messages().find(
          (found) => found.sequence >= sequence && (filter === PATTERN || found.subject === filter),
        ),
      ),
    last: () => Promise.resolve(newest().at(-1)),
  }
}

async function read(reader: HistoryReader): Promise<readonly (number | string)[]> {
  const found: (number | string)[] = []
  for await (const item of reader.read())
    found.push(item.kind === 'message' ? item.message.sequence : item.kind)
  return found
}

const pass = (clock: SimulatedClock, ms: number): Promise<void> =>
  clock.runFor(
    new Promise((resolve) => {
      clock.after(ms, () => {
        clock.settles()
        resolve()
      })
    }),
  )

const readerOf = (history: History, clock: SimulatedClock, filter = FILTER): HistoryReader =>
  new HistoryReader({ history, pattern: PATTERN, filter, after: 0, clock })

test('what one server does not know yet is read when it does', async (t) => {
  const clock = new SimulatedClock()
  const all = [message(1), message(2, 'left'), message(3)]
  let known = 2
  const reader = readerOf(
    fake(
      () => all.slice(0, known),
      () => all,
    ),
    clock,
  )
  t.deepEqual(await read(reader), [1])
  t.deepEqual(await read(reader), [])
  known = 3
  t.deepEqual(await read(reader), [3])
})

test('what a pattern never matches is not looked through for ever', async (t) => {
  const clock = new SimulatedClock()
  const asked: number[] = []
  const all = Array.from({ length: 50 }, (_, i) => message(i + 1, 'left'))
  const server = fake(() => all)
  const history: History = {
    ...server,
    next(filter, sequence) {
      if (filter === FILTER) asked.push(sequence)
      return server.next(filter, sequence)
    },
  }
  const reader = readerOf(history, clock)
  await read(reader)
  await pass(clock, 1_000)
  await read(reader)
  await read(reader)
  t.deepEqual(asked, [1, 1])
  all.push(message(51))
  t.deepEqual(await read(reader), [51])
})

test('a store that was lost is noticed, also when it has grown beyond where one stood', async (t) => {
  const clock = new SimulatedClock()
  let all = [message(1), message(2), message(3)]
  const reader = readerOf(
    fake(() => all),
    clock,
    PATTERN,
  )
  t.deepEqual(await read(reader), [1, 2, 3])
  all = [message(1, 'failed', 500)]
  t.deepEqual(await read(reader), ['began-anew', 1])
  all = [1, 2, 3].map((sequence) => message(sequence, 'failed', 900 + sequence))
  t.deepEqual(await read(reader), ['began-anew', 1, 2, 3])
})

test('a server that lags behind is not taken for a lost store', async (t) => {
  const clock = new SimulatedClock()
  let all = [message(1), message(2), message(3)]
  const reader = readerOf(
    fake(() => all),
    clock,
    PATTERN,
  )
  t.deepEqual(await read(reader), [1, 2, 3])
  all = [message(1), message(2)]
  t.deepEqual(await read(reader), [])
  all = [message(1), message(2), message(3), message(4)]
  t.deepEqual(await read(reader), [4])
})

test('a sequence that is higher than all is of a store that was lost, or was never reached', async (t) => {
  const clock = new SimulatedClock()
  const history = fake(() => [message(1)])
  const reader = new HistoryReader({ history, pattern: PATTERN, filter: PATTERN, after: 9, clock })
  const items = []
  for await (const item of reader.read()) items.push(item)
  t.deepEqual(items, [
    { kind: 'began-anew', unreached: { after: 9, last: 1 } },
    { kind: 'message', message: message(1) },
  ])
})

test('who follows is told once that nothing can be read, and goes on when it can', async (t) => {
  const clock = new SimulatedClock()
  const bus = await clock.runFor(new SimulatedSystem(clock).connect({ name: 'a' }))
  let isThere = false
  const there = fake(() => [message(1)])
  const history: History = {
    ...there,
    last: () =>
      isThere
        ? there.last()
        : Promise.reject(new ClusterError('bus/store-unavailable', 'later', 'no answer')),
  }
  const faults: string[] = []
  const end = new AbortController()
  const found: HistoryItem[] = []
  const following = (async () => {
    const reader = readerOf(history, clock)
    const onFault = ({ code }: ClusterError): number => faults.push(code)
    const { signal } = end
    for await (const item of followHistory({ reader, bus, clock, filter: FILTER, signal, onFault }))
      found.push(item)
  })()
  for (let i = 0; i < 5; i++) await pass(clock, 1_000)
  t.deepEqual([faults, found], [['bus/store-unavailable'], []])
  isThere = true
  for (let i = 0; i < 2; i++) await pass(clock, 1_000)
  t.deepEqual(found, [{ kind: 'message', message: message(1) }])
  end.abort()
  await following
})

test('what may not be read ends the following', async (t) => {
  const clock = new SimulatedClock()
  const bus = await clock.runFor(new SimulatedSystem(clock).connect({ name: 'a' }))
  const refused = new ClusterError('bus/forbidden', 'never', 'no')
  const history: History = { ...fake(() => []), last: () => Promise.reject(refused) }
  const following = followHistory({
    reader: readerOf(history, clock),
    bus,
    clock,
    filter: FILTER,
    signal: new AbortController().signal,
    onFault: () => t.fail('it is not for now'),
  })
  await t.throwsAsync(following.next(), { is: refused })
})
