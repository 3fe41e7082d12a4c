/** Tasks that live and die together. */
import test from 'ava'
import type { Effect } from '../../../../actors/agent/effects.ts'
import type { ExitSeen } from '../../../../actors/agent/inputs.ts'
import type { AgentRecord } from '../../../../actors/agent/records.ts'
import { type Row, recordOf, rowOf } from '../../../../actors/agent/rows.ts'
import { KILL_GRACE_MS } from '../../../../protocol/limits.ts'
import type { Kill, Run } from '../../../../protocol/schema/agent.ts'
import type { TaskInfo } from '../../../../protocol/schema/common.ts'
import {
  aRef,
  aRegisteredAgent,
  aRun,
  aTask,
  FRAMEWORK,
  found,
  kindsOf,
  launchOf,
  type Rig,
  statusesOf,
} from './builders.ts'

const running = { kind: 'running' } as const

/** The order to run these as one group. */
function aGroup(...tasks: readonly TaskInfo[]): Run {
  const group = launchOf(tasks[0]?.taskId ?? '')
  return aRun(tasks, {
    tasks: tasks.map((task) => ({ launch: launchOf(task.taskId), task, group })),
  })
}

/** An agent that runs a group of t-1, t-2 and t-3, and a task t-4 beside it. */
function aRunningGroup(...more: readonly TaskInfo[]): Rig {
  const rig = aRegisteredAgent()
  const tasks = more.length > 0 ? more : [aTask('t-1'), aTask('t-2'), aTask('t-3')]
  rig.orders(aGroup(...tasks), aRun([aTask('t-4')]))
  for (const taskId of ['t-1', 't-2', 't-3', 't-4']) rig.started(taskId)
  rig.ackAll()
  return rig
}

const aKill = (taskId: string, graceMs?: number): Kill => ({
  kind: 'kill',
  ...FRAMEWORK,
  taskId: aRef(taskId).taskId,
  ...(graceMs === undefined ? {} : { graceMs }),
})

const killsOf = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.do === 'kill' ? [[effect.containerId, effect.graceMs]] : []))

const shown = (effects: readonly Effect[]) =>
  statusesOf(effects).map(({ taskId, state, reason, message }) => [taskId, state, reason, message])

const BAD_ENDS: Readonly<Record<string, ExitSeen>> = {
  'has failed': { code: 1 },
  'was ended by a signal': { signal: 9, name: 'SIGKILL' },
  'ended unseen': { unknown: 'its wrapper is gone' },
}

for (const [how, exit] of Object.entries(BAD_ENDS)) {
  test(`a member ${how}: the others of its group are killed, and nobody else`, (t) => {
    const rig = aRunningGroup()
    const effects = rig.ended('t-2', exit)
    t.deepEqual(killsOf(effects), [
      [launchOf('t-1'), KILL_GRACE_MS],
      [launchOf('t-3'), KILL_GRACE_MS],
    ])
    t.deepEqual(
      statusesOf(effects).map(({ taskId, state }) => [taskId, state]),
      [
        ['t-2', 'TASK_FAILED'],
        ['t-1', 'TASK_KILLING'],
        ['t-3', 'TASK_KILLING'],
      ],
    )
    rig.ackAll()
    t.deepEqual(shown(rig.ended('t-3', { signal: 15, name: 'SIGTERM' })), [
      [
        't-3',
        'TASK_KILLED',
        'GROUP_ENDED',
        't-2 of its group has ended: TASK_FAILED; command was ended by SIGTERM',
      ],
    ])
    t.is(rig.state.tasks.get(launchOf('t-4'))?.killedWithMs, undefined)
  })
}

test('the kill is in the checkpoint with the end that it follows from', (t) => {
  const rig = aRunningGroup()
  const effects = rig.ended('t-1', { code: 1 })
  t.deepEqual(kindsOf(effects), ['checkpoint', 'kill', 'kill', 'destroy', 'update'])
})

test('a member that has finished leaves the others alone, and they may fail later', (t) => {
  const rig = aRunningGroup()
  t.deepEqual(killsOf(rig.ended('t-1')), [])
  rig.ackAll()
  t.deepEqual(killsOf(rig.ended('t-2', { code: 1 })), [[launchOf('t-3'), KILL_GRACE_MS]])
})

test('a member that is killed takes the others with it when it has ended', (t) => {
  const rig = aRunningGroup(aTask('t-1'), aTask('t-2', { killGraceMs: 70 }), aTask('t-3'))
  t.deepEqual(killsOf(rig.orders(aKill('t-1', 10))), [[launchOf('t-1'), 10]])
  t.deepEqual(killsOf(rig.ended('t-1', { code: 0 })), [
    [launchOf('t-2'), 70],
    [launchOf('t-3'), KILL_GRACE_MS],
  ])
  rig.ackAll()
  const [status] = shown(rig.ended('t-2', { code: 0 }))
  t.deepEqual(status, [
    't-2',
    'TASK_KILLED',
    'GROUP_ENDED',
    't-1 of its group has ended: TASK_KILLED; command exited with status 0',
  ])
})

test('whoever was killed before is not killed for the group, and does not say so', (t) => {
  const rig = aRunningGroup()
  rig.orders(aKill('t-1'), aKill('t-2'))
  t.deepEqual(killsOf(rig.ended('t-1', { code: 0 })), [[launchOf('t-3'), KILL_GRACE_MS]])
  rig.ackAll()
  t.deepEqual(shown(rig.ended('t-2', { code: 0 })), [
    ['t-2', 'TASK_KILLED', undefined, 'command exited with status 0'],
  ])
})

test('a member that could not be launched ends the others, also those that did not start yet', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aGroup(aTask('t-1'), aTask('t-2')))
  const containerId = launchOf('t-1')
  const effects = rig.hear({ kind: 'container.launch-failed', containerId, why: 'no such user' })
  t.deepEqual(killsOf(effects), [[launchOf('t-2'), KILL_GRACE_MS]])
  rig.started('t-2')
  rig.ackAll()
  t.deepEqual(shown(rig.ended('t-2', { signal: 15, name: 'SIGTERM' })), [
    [
      't-2',
      'TASK_KILLED',
      'GROUP_ENDED',
      't-1 of its group has ended: TASK_FAILED; command was ended by SIGTERM',
    ],
  ])
})

test('killed in the turn of its launch, none of the group is started', (t) => {
  const rig = aRegisteredAgent()
  const effects = rig.orders(aGroup(aTask('t-1'), aTask('t-2'), aTask('t-3')), aKill('t-2'))
  t.deepEqual(kindsOf(effects), ['checkpoint', 'update'])
  const why = 't-2 of its group has ended: TASK_KILLED; the task was killed before it started'
  t.deepEqual(shown(effects), [
    ['t-2', 'TASK_KILLED', 'KILLED_DURING_LAUNCH', 'the task was killed before it started'],
    ['t-1', 'TASK_KILLED', 'GROUP_ENDED', why],
    ['t-3', 'TASK_KILLED', 'GROUP_ENDED', why],
  ])
})

test('with a command that is none, none of the group is started', (t) => {
  const rig = aRegisteredAgent()
  const effects = rig.orders(aGroup(aTask('t-1'), aTask('t-2', { command: {} }), aTask('t-3')))
  t.deepEqual(kindsOf(effects), ['checkpoint', 'update'])
  t.deepEqual(
    statusesOf(effects).map(({ taskId, state, reason }) => [taskId, state, reason]),
    [
      ['t-2', 'TASK_ERROR', 'TASK_INVALID'],
      ['t-1', 'TASK_KILLED', 'GROUP_ENDED'],
      ['t-3', 'TASK_KILLED', 'GROUP_ENDED'],
    ],
  )
})

test('what does not fit here is dropped as a whole', (t) => {
  const rig = aRegisteredAgent()
  const effects = rig.orders(aGroup(aTask('t-1'), aTask('t-2', { resources: { cpus: 9 } })))
  t.deepEqual(
    statusesOf(effects).map(({ taskId, state }) => [taskId, state]),
    [
      ['t-1', 'TASK_DROPPED'],
      ['t-2', 'TASK_DROPPED'],
    ],
  )
})

const containers = ['t-1', 't-2', 't-3', 't-4'].map((taskId) => found(taskId, running))

test('a group is one over a restart', (t) => {
  const rig = aRunningGroup()
  t.deepEqual(killsOf(rig.restart({ containers })), [])
  t.is(killsOf(rig.ended('t-3', { code: 1 })).length, 2)
})

test('a member that ended while the agent was gone ends the others when it is back', (t) => {
  const rig = aRunningGroup()
  const [, ...others] = containers
  const seen = found('t-1', { kind: 'ended', exit: { code: 3 } })
  t.deepEqual(killsOf(rig.restart({ containers: [seen, ...others] })), [
    [launchOf('t-2'), KILL_GRACE_MS],
    [launchOf('t-3'), KILL_GRACE_MS],
  ])
})

test('of members that all ended unseen each has its own end', (t) => {
  const rig = aRunningGroup()
  const ended = (taskId: string, code: number) => found(taskId, { kind: 'ended', exit: { code } })
  const effects = rig.restart({
    containers: [ended('t-1', 1), ended('t-2', 0), ended('t-3', 2), found('t-4', running)],
  })
  t.deepEqual(
    statusesOf(effects).map(({ taskId, state }) => [taskId, state]),
    [
      ['t-1', 'TASK_FAILED'],
      ['t-2', 'TASK_FINISHED'],
      ['t-3', 'TASK_FAILED'],
    ],
  )
})

test('why a member is killed is remembered over a restart', (t) => {
  const rig = aRunningGroup()
  rig.ended('t-1', { code: 1 })
  const [, ...others] = containers
  for (let i = 0; i < 2; i++) {
    const effects = rig.restart({ containers: others })
    t.is(killsOf(effects).length, 2, 'the kill is repeated')
  }
  rig.ackAll()
  t.like(shown(rig.ended('t-2', { code: 1 }))[0], ['t-2', 'TASK_KILLED', 'GROUP_ENDED'])
})

test('a crash that lost the kills does not lose the group', (t) => {
  const rig = aRunningGroup()
  rig.ended('t-1', { code: 1 })
  const isKill = ({ kind }: AgentRecord): boolean => kind === 'kill'
  rig.records = rig.records.slice(0, rig.records.findIndex(isKill))
  const [, ...others] = containers
  t.is(killsOf(rig.restart({ containers: others })).length, 2)
})

test('members that are forgotten leave nothing behind', (t) => {
  const rig = aRunningGroup()
  for (const taskId of ['t-1', 't-2', 't-3']) rig.ended(taskId)
  rig.ackAll()
  rig.heardAll()
  t.deepEqual([...rig.state.groups], [])
})

test('of a framework that is over all are killed, and nobody is told why', (t) => {
  const rig = aRunningGroup()
  rig.orders({ kind: 'tear-down', ...FRAMEWORK })
  t.deepEqual(statusesOf(rig.ended('t-1', { code: 1 })), [])
  for (const taskId of ['t-2', 't-3', 't-4']) rig.ended(taskId)
  t.deepEqual([rig.state.tasks.size, rig.state.groups.size], [0, 0])
})

test('group and reason come back from the log as they were', (t) => {
  const number = { incarnation: 2, count: 7 }
  const task: AgentRecord = {
    kind: 'task',
    ...aRef('t-1'),
    role: 'a',
    resources: { cpus: 1 },
    group: launchOf('t-0'),
    staged: number,
  }
  const kill: AgentRecord = { kind: 'kill', launch: launchOf('t-1'), graceMs: 5, groupEnd: 'x' }
  for (const record of [task, kill])
    t.deepEqual(recordOf(JSON.parse(JSON.stringify(rowOf(record))) as Row), record)
})

test('a network of its own that one of a group asks for is that of all of it, and of nobody else', (t) => {
  const rig = aRegisteredAgent()
  const apart = { capabilities: [], namespaces: ['pid' as const, 'network' as const] }
  const group = aGroup(aTask('t-1'), aTask('t-2', { linux: apart }))
  const effects = rig.orders(group, aRun([aTask('t-4')]))
  const launched = effects.flatMap((effect) => (effect.do === 'launch' ? [effect.container] : []))
  const shared = { id: launchOf('t-1'), sharesNetwork: true }
  t.like(launched, [
    { group: shared, linux: { namespaces: ['network'] } },
    { group: shared, linux: apart },
    { containerId: launchOf('t-4') },
  ])
  t.is(launched[2]?.linux, undefined)
  t.is(launched[2]?.group, undefined)
})

test('a group of which nobody asks for a network shares its folder alone', (t) => {
  const effects = aRegisteredAgent().orders(aGroup(aTask('t-1'), aTask('t-2')))
  const launched = effects.flatMap((effect) => (effect.do === 'launch' ? [effect.container] : []))
  const group = { id: launchOf('t-1'), sharesNetwork: false }
  t.like(launched, [{ group }, { group }])
  t.is(launched[1]?.linux, undefined)
})
