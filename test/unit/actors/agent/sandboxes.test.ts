/** What is left of forgotten tasks: how long it is kept, and what removes it sooner. */
import test from 'ava'
import type { Effect } from '../../../../actors/agent/effects.ts'
import type { TaskId } from '../../../../protocol/ids.ts'
import {
  anAgentThatRuns,
  aProfile,
  aRef,
  aRegisteredAgent,
  aRun,
  aTask,
  found,
  kindsOf,
  launchOf,
  type Rig,
} from './builders.ts'

const DAY_MS = 24 * 3_600_000

const removed = (effects: readonly Effect[]): readonly TaskId[] =>
  effects.flatMap((effect) => (effect.do === 'remove-sandbox' ? [effect.sandbox.taskId] : []))

/** Runs a task to its end, of which everybody hears. */
function ends(rig: Rig, taskId: string): void {
  rig.orders(aRun([aTask(taskId)]))
  rig.started(taskId)
  rig.ended(taskId)
  rig.ackAll()
  rig.heardAll()
}

function looksIn(rig: Rig, ms: number): readonly Effect[] {
  rig.looks = []
  rig.pass(ms)
  return rig.looks
}

const full = (rig: Rig, usedPart: number) => rig.hear({ kind: 'disk.measured', usedPart })

test('the disk is looked at a second after the start, with all that lies there, then each minute', (t) => {
  const rig = aRegisteredAgent()
  const looks = (ms: number) => looksIn(rig, ms)
  t.deepEqual(looks(1_000), [{ do: 'measure-disk', lists: true }])
  t.deepEqual(looks(300_000), [], 'not before an answer')
  rig.hear({ kind: 'disk.measured', usedPart: 0, found: [] })
  t.deepEqual(looks(59_999), [])
  t.deepEqual(looks(1), [{ do: 'measure-disk', lists: false }])
})

test('after launches that failed the disk is looked at within a second, once', (t) => {
  const rig = aRegisteredAgent()
  rig.pass(1_000)
  rig.hear({ kind: 'disk.measured', usedPart: 0, found: [] })
  rig.orders(aRun([aTask('t-1')]), aRun([aTask('t-2')]))
  for (const taskId of ['t-1', 't-2']) {
    const containerId = launchOf(taskId)
    rig.hear({ kind: 'container.launch-failed', containerId, why: 'no space left on device' })
  }
  t.is(looksIn(rig, 1_000).length, 1)
})

test('a disk that could not be looked at is looked at again', (t) => {
  const rig = aRegisteredAgent()
  rig.pass(1_000)
  rig.hear({ kind: 'disk.measured' })
  t.is(looksIn(rig, 60_000).length, 1)
})

for (const [usedPart, days] of [
  [0, 6.3],
  [0.4, 3.5],
  [0.85, 0.35],
] as const) {
  test(`on a disk that is used by ${usedPart} sandboxes are removed ${days} days after the end`, (t) => {
    const rig = aRegisteredAgent()
    ends(rig, 't-1')
    rig.nowMs += days * DAY_MS - 1_000
    t.deepEqual(removed(full(rig, usedPart)), [])
    rig.nowMs += 2_000
    const effects = full(rig, usedPart)
    t.deepEqual(removed(effects), ['t-1' as TaskId])
    const unused = effects.find((effect) => effect.do === 'remove-unused')
    t.is(
      Math.round(unused?.unusedMs ?? 0),
      Math.round(days * DAY_MS),
      'and what no task has used for so long',
    )
    t.is(rig.state.sandboxes.size, 0)
  })
}

test('on a disk without headroom all sandboxes go but those of tasks that are held', (t) => {
  const rig = anAgentThatRuns('t-1')
  ends(rig, 't-3')
  rig.orders(aRun([aTask('t-2')]))
  rig.started('t-2')
  rig.ended('t-2')
  t.deepEqual(removed(full(rig, 0.9)), ['t-3' as TaskId])
  t.deepEqual([...rig.state.tasks.keys()], [launchOf('t-1'), launchOf('t-2')])
})

test('what ended at a time that lies ahead, as the clock went back, is kept as what has just ended', (t) => {
  const rig = aRegisteredAgent()
  ends(rig, 't-1')
  rig.wallStepMs = -DAY_MS
  t.deepEqual(removed(full(rig, 0.89)), [])
  t.deepEqual(removed(full(rig, 0.95)), ['t-1'])
})

test('the oldest go first, a hundred at a time, and the disk is looked at before the next', (t) => {
  const rig = aRegisteredAgent(aProfile({ sandboxesMax: 1_000 }))
  rig.pass(1_000)
  for (let i = 0; i < 150; i++) ends(rig, `t-${i}`)
  const first = removed(full(rig, 0.95))
  t.deepEqual([first.length, first[0], first.at(-1)], [100, 't-0', 't-99'] as never)
  t.is(looksIn(rig, 1_000).length, 1)
  t.deepEqual(removed(full(rig, 0.5)), [], 'there is room now')
  t.is(rig.state.sandboxes.size, 50)
})

test('with a lower number than before the surplus goes a hundred at a time, oldest first', (t) => {
  const rig = aRegisteredAgent(aProfile({ sandboxesMax: 1_000 }))
  for (let i = 0; i < 150; i++) ends(rig, `t-${i}`)
  rig.restart({ profile: aProfile({ sandboxesMax: 1_000 }) })
  rig.restart({ profile: aProfile({ sandboxesMax: 20 }) })
  rig.looks = []
  t.deepEqual(removed(rig.pass(1_000)), [])
  const first = removed(full(rig, 0))
  t.deepEqual([first.length, first[0], first.at(-1)], [100, 't-0', 't-99'] as never)
  t.is(removed(full(rig, 0)).length, 30)
  t.is(rig.state.sandboxes.size, 20)
  rig.beat()
  rig.confirm()
  rig.orders(aRun([aTask('t-150')]))
  rig.started('t-150')
  rig.ended('t-150')
  rig.ackAll()
  t.deepEqual(removed(rig.heardAll()), ['t-130' as TaskId], 'one for one from here on')
})

test('what went before a restart is not removed again after it', (t) => {
  const rig = aRegisteredAgent(aProfile({ sandboxesMax: 2 }))
  for (let i = 0; i < 5; i++) ends(rig, `t-${i}`)
  t.deepEqual(removed(rig.restart({ profile: aProfile({ sandboxesMax: 2 }) })), [])
  t.deepEqual([...rig.state.sandboxes.keys()], [launchOf('t-3'), launchOf('t-4')])
})

test('of sandboxes that nobody knows of the oldest go first', (t) => {
  const rig = aRegisteredAgent(aProfile({ sandboxesMax: 1 }))
  const there = [5, 3, 4].map((atMs) => ({ sandbox: aRef(`t-${atMs}`), atMs: 1e15 + atMs }))
  const effects = rig.hear({ kind: 'disk.measured', usedPart: 0, found: there })
  t.deepEqual(removed(effects), ['t-3', 't-4'] as never)
})

test('ages go on over a restart, compacted or not', (t) => {
  const rig = aRegisteredAgent()
  ends(rig, 't-1')
  rig.nowMs += 6 * DAY_MS
  rig.restart()
  rig.nowMs += DAY_MS
  rig.restart()
  t.deepEqual(removed(full(rig, 0)), ['t-1' as TaskId])
})

test('sandboxes that nobody knows of are kept as long as others, those of tasks are left alone', (t) => {
  const rig = anAgentThatRuns('t-1')
  const atMs = 1_700_000_000_000 + rig.nowMs
  const there = ['t-1', 't-8', 't-9'].map((taskId) => ({
    sandbox: aRef(taskId),
    atMs: taskId === 't-8' ? atMs - 7 * DAY_MS : atMs,
  }))
  const effects = rig.hear({ kind: 'disk.measured', usedPart: 0, found: there })
  t.deepEqual(removed(effects), ['t-8' as TaskId])
  t.deepEqual([...rig.state.sandboxes.keys()], [launchOf('t-9')])
  rig.nowMs += 7 * DAY_MS
  t.deepEqual(removed(full(rig, 0)), ['t-9' as TaskId])
})

test('the sandbox of a task that was torn down is kept as long as others', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.nowMs += 30 * DAY_MS
  rig.orders({
    kind: 'tear-down',
    principal: aRef('t-1').principal,
    frameworkId: aRef('t-1').frameworkId,
  })
  rig.ended('t-1')
  t.deepEqual(removed(full(rig, 0)), [])
  rig.nowMs += 7 * DAY_MS
  t.deepEqual(removed(full(rig, 0)), ['t-1' as TaskId])
})

test('while the disk is full, sandboxes are looked for each second and removed', (t) => {
  const rig = aRegisteredAgent()
  ends(rig, 't-1')
  rig.hear({ kind: 'disk.measured', usedPart: 0, found: [] })
  rig.hear({ kind: 'recording.failed', why: 'the disk is full', unlaunched: [] })
  t.is(looksIn(rig, 1_000).length, 1)
  t.deepEqual(removed(full(rig, 1)), ['t-1' as TaskId])
  t.is(looksIn(rig, 1_000).length, 1)
  rig.hear({ kind: 'recording.restored' })
  full(rig, 0)
  t.is(looksIn(rig, 59_000).length, 0)
})

test('how long and how much of the disk are for who runs the agent to say', (t) => {
  const rig = aRegisteredAgent(aProfile({ sandboxKeepMs: 1_000, diskHeadroom: 0 }))
  ends(rig, 't-1')
  rig.nowMs += 500
  t.deepEqual(removed(full(rig, 0.4)), [])
  t.deepEqual(removed(full(rig, 0.5)), ['t-1' as TaskId])
  t.deepEqual(kindsOf(rig.restart({ containers: [found('t-1', { kind: 'never-started' })] })), [
    'compact',
    'destroy',
  ])
})
