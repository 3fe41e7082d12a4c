/** Who is told of statuses, and when they count as seen. */
import test from 'ava'
import type { TaskStatus } from '../../../../actors/scheduler/contract-statuses.ts'
import { StatusFeed } from '../../../../actors/scheduler/status-feed.ts'
import type { TaskId } from '../../../../protocol/ids.ts'

const status = (taskId: string): TaskStatus => ({ taskId }) as TaskStatus

test('what comes before the author can listen is handed over then, in order, and only then seen', async (t) => {
  const feed = new StatusFeed()
  const said: string[] = []
  const early = ['a', 'b'].map((taskId) =>
    Promise.resolve(feed.tell(status(taskId))).then(() => said.push(`seen ${taskId}`)),
  )
  await Promise.resolve()
  feed.listen(({ taskId }) => void said.push(`heard ${taskId}`))
  t.deepEqual(said, [])
  feed.open()
  await Promise.all(early)
  t.deepEqual(said, ['heard a', 'heard b', 'seen a', 'seen b'])
})

test('an open feed without listeners sees at once', (t) => {
  const feed = new StatusFeed()
  feed.open()
  t.is(feed.tell(status('a')), undefined)
})

test('who reads of a task that is let go of reads what there is, and ends', async (t) => {
  const feed = new StatusFeed()
  feed.open()
  const [ofA, ofB] = ['a', 'b'].map((taskId) => feed.read(taskId as TaskId)[Symbol.asyncIterator]())
  void feed.tell(status('a'))
  feed.letGo('a' as TaskId)
  t.like(await ofA?.next(), { value: { taskId: 'a' } })
  t.true((await ofA?.next())?.done)
  void feed.tell(status('b'))
  t.like(await ofB?.next(), { value: { taskId: 'b' } })
})

test('what comes of its task while a reader is busy with the last status is not its any more', async (t) => {
  for (const last of ['let go of', 'TASK_GONE']) {
    const feed = new StatusFeed()
    feed.open()
    const reader = feed.read('a' as TaskId)[Symbol.asyncIterator]()
    void feed.tell({ ...status('a'), state: last === 'TASK_GONE' ? last : 'TASK_UNKNOWN' })
    await reader.next()
    if (last === 'let go of') feed.letGo('a' as TaskId)
    t.is(feed.tell(status('a')), undefined, `${last}: nobody waits for it`)
    t.true((await reader.next()).done)
  }
})
