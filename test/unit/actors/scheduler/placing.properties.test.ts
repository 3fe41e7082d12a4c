/** Whatever is offered in whatever order: no task twice, no offer too full, no wait without end. */
import test from 'ava'
import fc from 'fast-check'
import { placeOn } from '../../../../actors/scheduler/placing.ts'
import { preferencesOf } from '../../../../actors/scheduler/preferences.ts'
import { addJob, newQueue, settle } from '../../../../actors/scheduler/queue.ts'
import type { AgentId, TaskId } from '../../../../protocol/ids.ts'
import { resourcesOf } from '../../../../protocol/resources.ts'
import { aTask } from './given.ts'

const AGENTS = 4
const agent = fc.integer({ min: 1, max: AGENTS }).map((n) => `agent-${n}`)
const preference = fc.record({
  attribute: fc.constant('agent'),
  equals: fc.array(agent, { minLength: 1, maxLength: 2 }),
  waitMs: fc.integer({ min: 0, max: 3_000 }),
})
const wish = fc.record({
  cpus: fc.integer({ min: 1, max: 3 }),
  prefer: fc.array(preference, { maxLength: 3 }),
})
const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ add: fc.array(wish, { minLength: 1, maxLength: 5 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      agent,
      cpus: fc.integer({ min: 0, max: 6 }),
      afterMs: fc.integer({ min: 0, max: 1_500 }),
      isRefused: fc.boolean(),
    }),
  },
)

class History {
  readonly queue = newQueue()
  readonly started = new Set<TaskId>()
  nowMs = 0
  #tasks = 0

  add(wishes: readonly (typeof wish extends fc.Arbitrary<infer W> ? W : never)[]): void {
    const tasks = wishes.map(({ cpus, prefer }) => {
      this.#tasks += 1
      const taskId = `t-${this.#tasks}` as TaskId
      const preferences = preferencesOf(prefer.length === 0 ? undefined : prefer)
      const wanted = { resources: resourcesOf({ cpus }), role: undefined, bytes: 100 }
      return { taskId, task: aTask(taskId), ...wanted, ...preferences }
    })
    addJob(this.queue, tasks)
  }

  offer(agentId: string, cpus: number, isRefused = false) {
    const place = { agentId: agentId as AgentId, hostname: agentId, attributes: [] }
    const offered = { place, role: '*', resources: resourcesOf({ cpus }) }
    const placing = placeOn(this.queue, offered, { nowMs: this.nowMs, holds: () => false })
    const tasks = placing.placed.map(({ task }) => task)
    settle(this.queue, tasks, !isRefused)
    if (!isRefused) for (const { taskId } of tasks) this.started.add(taskId)
    return { ...placing, tasks }
  }

  get count(): number {
    return this.#tasks
  }
}

test('no task is started twice or lost, and no offer holds more than it has', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const history = new History()
      for (const one of steps) {
        if ('add' in one) {
          history.add(one.add)
          continue
        }
        history.nowMs += one.afterMs
        const before = new Set(history.started)
        const { tasks, refuseMs } = history.offer(one.agent, one.cpus, one.isRefused)
        const taken = tasks.reduce((sum, { resources }) => sum + cpusOf(resources), 0)
        t.true(taken <= one.cpus)
        t.true(tasks.every(({ taskId }) => !before.has(taskId)))
        t.true(refuseMs >= 0 && refuseMs <= 60_000)
        t.is(history.queue.waiting.size + history.started.size, history.count)
        t.is(history.queue.starting.size, 0)
      }
      const numbers = [...history.queue.waiting.values()].map(({ number }) => number)
      t.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      )
    }),
    { numRuns: 300 },
  )
})

function cpusOf(resources: ReturnType<typeof resourcesOf>): number {
  const amount = resources.get('cpus')?.amount
  return amount?.kind === 'scalar' ? amount.thousandths / 1_000 : 0
}

test('a place that comes back when it was declined for is taken in the end', (t) => {
  fc.assert(
    fc.property(fc.array(wish, { minLength: 1, maxLength: 12 }), agent, (wishes, only) => {
      const history = new History()
      history.add(wishes)
      // One agent, offered again and again: each answer starts something, or says when it will.
      for (let rounds = 0; history.queue.waiting.size > 0; rounds++) {
        t.true(rounds < 200, 'it never ends')
        const { tasks, refuseMs } = history.offer(only, 3)
        if (tasks.length > 0) continue
        t.true(refuseMs > 0 && refuseMs <= 9_000)
        history.nowMs += refuseMs
      }
      t.is(history.started.size, wishes.length)
    }),
    { numRuns: 300 },
  )
})

test('what fits is left no longer than its waits, from the first time or the last good start', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const history = new History()
      const sinceMs = new Map<object, number>()
      for (const one of steps) {
        if ('add' in one) {
          history.add(one.add)
          continue
        }
        history.nowMs += one.afterMs
        const { nowMs, queue } = history
        const { placed } = history.offer(one.agent, one.cpus)
        for (const { task, choice } of placed)
          if (choice < task.choices.length && sinceMs.has(task.job)) sinceMs.set(task.job, nowMs)
        if (placed.length > 0) continue
        for (const { job, resources, waitsMs } of queue.waiting.values()) {
          if (cpusOf(resources) > one.cpus) continue
          if (!sinceMs.has(job)) sinceMs.set(job, nowMs)
          t.true(nowMs - (sinceMs.get(job) ?? nowMs) < (waitsMs.at(-1) ?? 0))
        }
      }
    }),
    { numRuns: 300 },
  )
})
