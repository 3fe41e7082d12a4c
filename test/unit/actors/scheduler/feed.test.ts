import test from 'ava'
import { Feed } from '../../../../actors/scheduler/feed.ts'

test('items are read in order, whether they or their reader came first', async (t) => {
  const feed = new Feed<number>()
  const first = feed.next()
  for (const item of [1, 2, 3]) feed.push(item)
  feed.end()
  t.deepEqual(await first, { done: false, value: 1 })
  const rest: number[] = []
  for await (const item of feed) rest.push(item)
  t.deepEqual(rest, [2, 3])
})

test('each item goes to one reader', async (t) => {
  const feed = new Feed<number>()
  const both = [feed.next(), feed.next()]
  feed.push(1)
  feed.push(2)
  t.deepEqual(
    (await Promise.all(both)).map(({ value }) => value),
    [1, 2],
  )
})

test('who leaves is given nothing more, and what it had asked for goes to others', async (t) => {
  const feed = new Feed<number>()
  const first = feed[Symbol.asyncIterator]()
  const second = feed[Symbol.asyncIterator]()
  const left = [first.next(), first.next()]
  const stays = second.next()
  t.true((await first.return()).done)
  feed.push(1)
  t.deepEqual(
    (await Promise.all(left)).map(({ done }) => done),
    [true, true],
  )
  t.deepEqual(await stays, { done: false, value: 1 })
  feed.push(2)
  t.true((await first.next()).done)
  t.is((await second.next()).value, 2)
})

test('what died while it waited is passed over', async (t) => {
  const dead = new Set([2])
  const feed = new Feed<number>((item) => !dead.has(item))
  for (const item of [1, 2, 3]) feed.push(item)
  dead.add(1)
  t.is((await feed.next()).value, 3)
})

test('an error ends readers, those that wait and those that come', async (t) => {
  const feed = new Feed<number>()
  const waiting = feed.next()
  feed.end(new Error('why'))
  feed.push(1)
  await t.throwsAsync(waiting, { message: 'why' })
  await t.throwsAsync(feed.next(), { message: 'why' })
})

test('what died is not kept for a reader who does not come', async (t) => {
  const feed = new Feed<number>((item) => item % 1_000 === 0)
  for (let item = 1; item <= 10_000; item++) feed.push(item)
  t.true(feed.length <= 64, `${feed.length} are kept`)
  t.is((await feed.next()).value, 1_000)
})

test('what is live is all kept, however much it is', async (t) => {
  const feed = new Feed<number>()
  for (let item = 1; item <= 1_000; item++) feed.push(item)
  feed.end()
  const all: number[] = []
  for await (const item of feed) all.push(item)
  t.is(all.length, 1_000)
})
