/** Which waiting tasks go onto an offer, by what they prefer and how long they have waited. */
import test from 'ava'
import type { Preference } from '../../../../actors/scheduler/contract-queue.ts'
import { type Placing, placeOn } from '../../../../actors/scheduler/placing.ts'
import { preferencesOf } from '../../../../actors/scheduler/preferences.ts'
import {
  addJob,
  type NewTask,
  newQueue,
  type QueueState,
  removeTask,
  settle,
} from '../../../../actors/scheduler/queue.ts'
import type { AgentId, TaskId } from '../../../../protocol/ids.ts'
import { type Resources, resourcesOf } from '../../../../protocol/resources.ts'
import { aTask } from './given.ts'

const ONE_CPU = resourcesOf({ cpus: 1 })
const onAgents = (...equals: string[]): Preference => ({
  attribute: 'agent',
  equals,
  waitMs: 1_000,
})
const IN_RACK: Preference = { attribute: 'rack', equals: 'r1', waitMs: 2_000 }

interface Wanted {
  readonly prefer?: Preference | readonly Preference[]
  readonly role?: string
  readonly resources?: Resources
  readonly bytes?: number
}

function aWaiting(
  taskId: string,
  { prefer, role, resources = ONE_CPU, bytes = 100 }: Wanted,
): NewTask {
  const task = aTask(taskId)
  return { taskId: taskId as TaskId, task, resources, role, bytes, ...preferencesOf(prefer) }
}

const add = (queue: QueueState, wanted: Wanted, ...taskIds: readonly string[]): void =>
  addJob(
    queue,
    taskIds.map((taskId) => aWaiting(taskId, wanted)),
  )

interface On {
  readonly cpus?: number
  readonly rack?: string
  readonly role?: string
  readonly atMs?: number
  /** Ids in use. */
  readonly held?: readonly string[]
}

/** All that is placed is started, and what is passed over is told so. */
function offer(
  queue: QueueState,
  agentId: string,
  { cpus = 1, rack, role = '*', atMs = 0, held = [] }: On = {},
) {
  const attributes = rack === undefined ? [] : [{ name: 'rack', text: rack }]
  const place = { agentId: agentId as AgentId, hostname: `${agentId}.example`, attributes }
  const offered = { place, role, resources: resourcesOf({ cpus }) }
  const holds = (taskId: string) => held.includes(taskId)
  const placing = placeOn(queue, offered, { nowMs: atMs, holds })
  const tasks = placing.placed.map(({ task }) => task)
  settle(queue, [...tasks, ...placing.inUse], true)
  return placing
}

const ids = ({ placed }: Placing): readonly string[] => placed.map(({ task }) => task.taskId)
const waitingIn = (queue: QueueState): readonly string[] => [...queue.waiting.keys()]

test('without preferences tasks go wherever they fit, in order', (t) => {
  const queue = newQueue()
  add(queue, {}, 'a', 'b', 'c')
  const placing = offer(queue, 'agent-1', { cpus: 2 })
  t.deepEqual(ids(placing), ['a', 'b'])
  t.deepEqual(
    placing.placed.map(({ choice }) => choice),
    [0, 0],
  )
  t.like(placing, { refuseMs: 60_000, reason: 'no task that waits fits' })
  t.deepEqual(ids(offer(queue, 'agent-2')), ['c'])
  t.like(offer(queue, 'agent-3'), { refuseMs: 60_000, reason: 'no task waits' })
})

test('what has come to be there is taken out, and takes no room of what is not', (t) => {
  const queue = newQueue()
  add(queue, { prefer: onAgents('agent-2') }, 'a', 'b')
  add(queue, {}, 'c', 'd', 'e')
  const placing = offer(queue, 'agent-1', { held: ['b', 'c'] })
  t.deepEqual(ids(placing), ['d'])
  t.deepEqual(
    placing.inUse.map(({ taskId }) => taskId),
    ['b', 'c'],
  )
  t.deepEqual(waitingIn(queue), ['a', 'e'])
})

test('a place that nobody prefers is declined for as long as the wait still takes, then taken', (t) => {
  const queue = newQueue()
  add(queue, { prefer: onAgents('agent-1') }, 'a')
  t.deepEqual(offer(queue, 'agent-2'), {
    placed: [],
    inUse: [],
    refuseMs: 1_000,
    reason: '1 task prefers another agent, for 1000 ms more',
  })
  t.like(offer(queue, 'agent-3', { atMs: 400.5 }), { placed: [], refuseMs: 600 })
  const [placed] = offer(queue, 'agent-2', { atMs: 1_000 }).placed
  t.is(placed?.choice, 1, 'none of its preferences')
})

test('the wait begins when a place is passed over, not when the task is added', (t) => {
  const queue = newQueue()
  add(queue, { prefer: onAgents('agent-1') }, 'a')
  t.like(offer(queue, 'agent-2', { atMs: 50_000 }), { placed: [], refuseMs: 1_000 })
})

test('a place on which nothing fits is not passed over', (t) => {
  const queue = newQueue()
  add(queue, { prefer: onAgents('agent-1') }, 'a')
  t.like(offer(queue, 'agent-2', { cpus: 0.5 }), { refuseMs: 60_000 })
  t.like(offer(queue, 'agent-2', { atMs: 5_000 }), { placed: [], refuseMs: 1_000 })
})

test('of one add those that prefer the place come first', (t) => {
  const queue = newQueue()
  addJob(queue, [
    aWaiting('anywhere', {}),
    aWaiting('second', { prefer: [onAgents('agent-1'), IN_RACK] }),
    aWaiting('first', { prefer: onAgents('agent-2') }),
  ])
  offer(queue, 'agent-9', { cpus: 1 })
  const placing = offer(queue, 'agent-2', { cpus: 2, rack: 'r1', atMs: 1_000 })
  t.deepEqual(ids(placing), ['first'])
  t.deepEqual(waitingIn(queue), ['second'])
})

test('a task placed where it prefers makes the wait of its add begin anew at once', (t) => {
  const queue = newQueue()
  add(queue, { prefer: onAgents('agent-1') }, 'a', 'b')
  offer(queue, 'agent-2')
  t.deepEqual(ids(offer(queue, 'agent-1', { atMs: 900 })), ['a'])
  t.like(offer(queue, 'agent-2', { atMs: 1_000 }), { placed: [], refuseMs: 900 })
  t.deepEqual(ids(offer(queue, 'agent-2', { atMs: 1_900 })), ['b'])
})

test('once the wait is over, all of an add go anywhere until one has its place again', (t) => {
  const queue = newQueue()
  add(queue, { prefer: onAgents('agent-1') }, 'a', 'b', 'c', 'd')
  offer(queue, 'agent-2')
  t.deepEqual(ids(offer(queue, 'agent-2', { atMs: 1_000 })), ['a'])
  t.deepEqual(ids(offer(queue, 'agent-3', { atMs: 1_001 })), ['b'])
  t.deepEqual(ids(offer(queue, 'agent-1', { atMs: 1_002 })), ['c'])
  t.like(offer(queue, 'agent-3', { atMs: 1_003 }), { placed: [], refuseMs: 999 })
})

test('a task that prefers nothing says nothing of the wait of its add', (t) => {
  const queue = newQueue()
  addJob(queue, [
    aWaiting('choosy', { prefer: onAgents('agent-1') }),
    aWaiting('any', { role: 'web' }),
  ])
  t.is(offer(queue, 'agent-2').refuseMs, 1_000)
  t.deepEqual(ids(offer(queue, 'agent-2', { role: 'web', atMs: 500 })), ['any'])
  t.deepEqual(ids(offer(queue, 'agent-2', { atMs: 1_000 })), ['choosy'])
})

test('what does not fit on the rest of an offer does not bring that back', (t) => {
  const queue = newQueue()
  add(queue, { prefer: onAgents('agent-1'), resources: resourcesOf({ cpus: 2 }) }, 'large')
  add(queue, {}, 'small')
  const placing = offer(queue, 'agent-2', { cpus: 2 })
  t.deepEqual(ids(placing), ['small'])
  t.like(placing, { refuseMs: 60_000, reason: 'no task that waits fits' })
})

test('on the offer itself: what is left of a preferred place is not for those that waited', (t) => {
  const queue = newQueue()
  addJob(queue, [
    aWaiting('there', { prefer: onAgents('agent-1') }),
    aWaiting('elsewhere', { prefer: onAgents('agent-2') }),
  ])
  offer(queue, 'agent-3')
  const placing = offer(queue, 'agent-1', { cpus: 2, atMs: 5_000 })
  t.deepEqual(ids(placing), ['there'])
  t.is(placing.refuseMs, 1_000)
})

test('those of another add wait for themselves', (t) => {
  const queue = newQueue()
  add(queue, { prefer: onAgents('agent-1') }, 'old')
  offer(queue, 'agent-2')
  add(queue, { prefer: onAgents('agent-1') }, 'new')
  const placing = offer(queue, 'agent-2', { cpus: 2, atMs: 1_000 })
  t.deepEqual(ids(placing), ['old'])
  t.is(placing.refuseMs, 1_000)
})

test('several preferences count one after the other, and each has its own wait', (t) => {
  const queue = newQueue()
  const prefer = [onAgents('agent-1'), IN_RACK]
  add(queue, { prefer }, 'a', 'b', 'c')
  t.is(offer(queue, 'agent-2', { rack: 'r1' }).refuseMs, 1_000)
  t.is(offer(queue, 'agent-3', { rack: 'r2' }).refuseMs, 3_000)
  const second = offer(queue, 'agent-2', { rack: 'r1', atMs: 1_500 })
  t.deepEqual(
    second.placed.map(({ choice }) => choice),
    [1],
  )
  t.is(offer(queue, 'agent-3', { rack: 'r2', atMs: 1_500 }).refuseMs, 2_000, 'begins anew there')
  t.deepEqual(ids(offer(queue, 'agent-2', { rack: 'r1', atMs: 1_600 })), ['b'])
  const last = offer(queue, 'agent-3', { rack: 'r2', atMs: 3_600 })
  t.deepEqual(
    last.placed.map(({ task, choice }) => [task.taskId, choice]),
    [['c', 2]],
  )
})

test('who waits for nothing still goes first where it prefers to be', (t) => {
  const queue = newQueue()
  addJob(queue, [
    aWaiting('a', { prefer: { ...onAgents('agent-1'), waitMs: 0 } }),
    aWaiting('b', { prefer: { ...onAgents('agent-2'), waitMs: 0 } }),
  ])
  t.deepEqual(ids(offer(queue, 'agent-2')), ['b'])
  t.deepEqual(ids(offer(queue, 'agent-2')), ['a'])
})

test('preferences name hosts and attributes, numbers too, of which any may fit', (t) => {
  const placeOf = (prefer: Preference) => {
    const queue = newQueue()
    add(queue, { prefer }, 'a')
    return ids(offer(queue, 'agent-2', { rack: '7' })).length
  }
  const waitMs = 1_000
  t.is(placeOf({ attribute: 'hostname', equals: 'agent-2.example', waitMs }), 1)
  t.is(placeOf({ attribute: 'hostname', equals: 'agent-2', waitMs }), 0)
  t.is(placeOf({ attribute: 'rack', equals: ['r1', 7], waitMs }), 1)
  t.is(placeOf({ attribute: 'zone', equals: 'r1', waitMs }), 0)
})

test('what has another size is passed over for itself alone', (t) => {
  const queue = newQueue()
  addJob(queue, [
    aWaiting('large', { prefer: onAgents('agent-1'), resources: resourcesOf({ cpus: 4 }) }),
    aWaiting('small', { prefer: onAgents('agent-1') }),
  ])
  t.is(
    offer(queue, 'agent-2', { cpus: 2 }).reason,
    '1 task prefers another agent, for 1000 ms more',
  )
  t.is(
    offer(queue, 'agent-2', { cpus: 4 }).reason,
    '2 tasks prefer another agent, for 1000 ms more',
  )
})

test('a task of one role uses no offer of another', (t) => {
  const queue = newQueue()
  add(queue, { role: 'web' }, 'web')
  add(queue, {}, 'any')
  t.deepEqual(ids(offer(queue, 'agent-1', { cpus: 2, role: 'batch' })), ['any'])
  t.is(offer(queue, 'agent-1', { role: 'batch' }).reason, 'no task that waits fits')
  t.deepEqual(ids(offer(queue, 'agent-1', { role: 'web' })), ['web'])
})

test('one accept holds so many tasks, and so many bytes; the rest of the offer comes back', (t) => {
  const many = newQueue()
  add(many, {}, ...Array.from({ length: 600 }, (_, i) => `t-${i}`))
  const full = offer(many, 'agent-1', { cpus: 1_000 })
  t.is(full.placed.length, 512)
  t.like(full, { refuseMs: 0, reason: 'one accept holds no more tasks' })
  const large = newQueue()
  add(large, { bytes: 30_000 }, ...Array.from({ length: 10 }, (_, i) => `t-${i}`))
  add(large, { bytes: 100 }, 'small')
  t.like(offer(large, 'agent-1', { cpus: 20 }), { placed: { length: 6 }, refuseMs: 0 })
})

test('what was refused waits again in its old place', (t) => {
  const queue = newQueue()
  add(queue, {}, 'a', 'b')
  add(queue, {}, 'c')
  add(queue, {}, 'd')
  const one = putOn(queue, 1)
  const others = putOn(queue, 2)
  t.deepEqual([...queue.starting], ['a', 'b', 'c'] as never)
  settle(queue, others, false)
  t.deepEqual(waitingIn(queue), ['b', 'c', 'd'])
  settle(queue, one, false)
  t.deepEqual(waitingIn(queue), ['a', 'b', 'c', 'd'])
  t.is(queue.starting.size, 0)
})

test('a task that is taken out is not started, nor tried again after a refusal', (t) => {
  const queue = newQueue()
  add(queue, {}, 'a', 'b')
  t.true(removeTask(queue, 'a' as TaskId))
  t.false(removeTask(queue, 'a' as TaskId))
  const taken = putOn(queue, 2)
  t.deepEqual(
    taken.map(({ taskId }) => taskId),
    ['b' as TaskId],
  )
  t.false(removeTask(queue, 'b' as TaskId), 'it may be started')
  settle(queue, taken, false)
  t.deepEqual(ids(offer(queue, 'agent-1')), [])
})

test('a thousand that would fit are looked at, however many stand before them that do not', (t) => {
  const queue = newQueue()
  const many = (prefix: string) => Array.from({ length: 1_000 }, (_, i) => `${prefix}-${i}`)
  add(queue, { resources: resourcesOf({ cpus: 8 }) }, ...many('large'))
  add(queue, { prefer: onAgents('agent-1') }, ...many('choosy'))
  add(queue, {}, 'last')
  t.deepEqual(ids(offer(queue, 'agent-2')), [])
  removeTask(queue, 'choosy-0' as TaskId)
  t.deepEqual(ids(offer(queue, 'agent-2')), ['last'])
  t.is(offer(queue, 'agent-2', { cpus: 0.5 }).refuseMs, 5_000, 'not all were looked at')
})

/** Tasks that are being started there. */
function putOn(queue: QueueState, cpus: number) {
  const place = { agentId: 'agent-1' as AgentId, hostname: 'host', attributes: [] }
  const offered = { place, role: '*', resources: resourcesOf({ cpus }) }
  return placeOn(queue, offered, { nowMs: 0, holds: () => false }).placed.map(({ task }) => task)
}
