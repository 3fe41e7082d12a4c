import test from 'ava'
import type { Effect } from '../../../../actors/agent/effects.ts'
import type { FrameworkId, Launch } from '../../../../protocol/ids.ts'
import { KILL_GRACE_MS, TASK_PIDS_MAX } from '../../../../protocol/limits.ts'
import { scalarOf } from '../../../../protocol/resources.ts'
import type { AgentOrder, Kill } from '../../../../protocol/schema/agent.ts'
import type { TaskStatus } from '../../../../protocol/schema/common.ts'
import {
  anAgentThatRuns,
  aRef,
  aRegisteredAgent,
  aRun,
  aTask,
  FRAMEWORK,
  kindsOf,
  launchOf,
  type Rig,
  reportsOf,
  statusesOf,
  statusOf,
} from './builders.ts'

const freeCpus = (rig: Rig): number => scalarOf(rig.state.free, 'cpus')
const aKill = (taskId: string, graceMs?: number): Kill => ({
  kind: 'kill',
  ...FRAMEWORK,
  taskId: aRef(taskId).taskId,
  ...(graceMs === undefined ? {} : { graceMs }),
})
const aTearDown: AgentOrder = { kind: 'tear-down', ...FRAMEWORK }
const kills = (effects: readonly Effect[]) => effects.filter((effect) => effect.do === 'kill')

test('an accepted task is in the checkpoint before it is launched, and STAGING is not sent', (t) => {
  const rig = aRegisteredAgent()
  const effects = rig.orders(aRun([aTask('t-1')]))
  t.deepEqual(kindsOf(effects), ['checkpoint', 'launch'])
  t.is(rig.state.tasks.get(launchOf('t-1'))?.last, undefined)
  t.is(freeCpus(rig), 3000)
})

test('the container gets command, environment, user, role and the ports that the task holds', (t) => {
  const rig = aRegisteredAgent()
  const task = aTask('t-1', {
    resources: [
      { name: 'cpus', scalar: 0.5 },
      { name: 'mem', scalar: 64 },
      {
        name: 'ports',
        ranges: [
          [31_000, 31_001],
          [31_005, 31_005],
        ],
      },
    ],
    command: { argv: ['sleep', '1'], env: { A: 'b' }, user: 'nobody' },
  })
  const launch = rig.orders(aRun([task], { role: 'web' })).find((effect) => effect.do === 'launch')
  t.deepEqual(launch?.container, {
    containerId: launchOf('t-1'),
    sandbox: aRef('t-1'),
    command: { argv: ['sleep', '1'] },
    env: { A: 'b' },
    user: 'nobody',
    ports: [31_000, 31_001, 31_005],
    role: 'web',
    limits: { cpus: 0.5, memBytes: 67_108_864, pidsMax: TASK_PIDS_MAX },
  })
})

test('a task that may use more than it asked for is held to that', (t) => {
  const rig = aRegisteredAgent()
  const resources = { cpus: 0.5, mem: 64 }
  const task = aTask('t-1', { resources, limits: { cpus: 1.5, mem: 128 } })
  const launch = rig.orders(aRun([task])).find((effect) => effect.do === 'launch')
  const limits = { cpus: 0.5, cpusMax: 1.5, memBytes: 134_217_728, pidsMax: TASK_PIDS_MAX }
  t.deepEqual(launch?.container.limits, limits)
})

test('a launch that is known is ignored', (t) => {
  const rig = anAgentThatRuns('t-1')
  t.deepEqual(rig.orders(aRun([aTask('t-1')])), [])
  rig.ended('t-1')
  rig.ackAll()
  rig.heardAll()
  t.is(rig.state.tasks.size, 0)
  t.deepEqual(rig.orders(aRun([aTask('t-1')])), [], 'also after it was forgotten')
})

test('a launch that stands twice in one order is one', (t) => {
  const rig = aRegisteredAgent()
  const effects = rig.orders(aRun([aTask('t-1'), aTask('t-1')]))
  t.is(effects.filter((effect) => effect.do === 'launch').length, 1)
  rig.ended('t-1')
  t.deepEqual(rig.state.free, rig.state.total)
})

test('another launch of a task that has ended is another task', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.ended('t-1')
  const launch = 'launch-again' as Launch
  const effects = rig.orders({ ...aRun([]), tasks: [{ launch, task: aTask('t-1') }] } as AgentOrder)
  t.deepEqual(kindsOf(effects), ['checkpoint', 'launch'])
  t.is(rig.state.tasks.size, 2)
})

test('a run of other resources than the agent has now is dropped as a whole', (t) => {
  const rig = aRegisteredAgent()
  const effects = rig.orders(aRun([aTask('t-1'), aTask('t-2')], { resourcesVersion: 2 }))
  t.deepEqual(kindsOf(effects), ['checkpoint', 'update'])
  t.deepEqual(
    statusesOf(effects).map(({ taskId, state, reason }) => [taskId, state, reason]),
    [
      ['t-1', 'TASK_DROPPED', 'RESOURCES_STALE'],
      ['t-2', 'TASK_DROPPED', 'RESOURCES_STALE'],
    ],
  )
  t.is(freeCpus(rig), 4000)
})

test('tasks that do not fit together are dropped together and hold nothing', (t) => {
  const rig = anAgentThatRuns('t-0', { resources: { cpus: 2 } })
  const effects = rig.orders(
    aRun([
      aTask('t-1', { resources: { cpus: 1 } }),
      aTask('t-2', { resources: { cpus: 1 } }),
      aTask('t-3', { resources: { cpus: 0.001 } }),
    ]),
  )
  const statuses = statusesOf(effects)
  t.deepEqual(
    statuses.map(({ state, reason }) => [state, reason]),
    Array.from({ length: 3 }, () => ['TASK_DROPPED', 'INVALID_OFFERS']),
  )
  t.is(
    statuses[0]?.message,
    't-3 needs cpus 0.001; free here: mem 1024, ports [31000-31009], cpus 2',
  )
  t.is(freeCpus(rig), 2000)
  t.deepEqual(kindsOf(effects).includes('launch'), false)
})

test('resources that contradict themselves drop the whole run', (t) => {
  const rig = aRegisteredAgent()
  const bad = aTask('t-2', { resources: [{ name: 'cpus', scalar: 1, set: ['a'] }] })
  const statuses = statusesOf(rig.orders(aRun([aTask('t-1'), bad])))
  t.deepEqual(
    statuses.map(({ reason }) => reason),
    ['INVALID_OFFERS', 'INVALID_OFFERS'],
  )
})

test('a task without exactly one of argv and shell is an error, the others run', (t) => {
  const rig = aRegisteredAgent()
  const effects = rig.orders(aRun([aTask('t-1', { command: {} }), aTask('t-2')]))
  t.like(statusOf(effects), { taskId: 't-1', state: 'TASK_ERROR', reason: 'TASK_INVALID' })
  t.is(effects.filter((effect) => effect.do === 'launch').length, 1)
  t.is(freeCpus(rig), 3000)
})

test('when its process exists the task is RUNNING', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  t.like(statusOf(rig.started('t-1')), {
    taskId: 't-1',
    launch: launchOf('t-1'),
    state: 'TASK_RUNNING',
    latest: 'TASK_RUNNING',
    source: 'agent',
  })
})

const ENDS: readonly [exit: Parameters<Rig['ended']>[1] & object, end: Partial<TaskStatus>][] = [
  [{ code: 0 }, { state: 'TASK_FINISHED', exit: { code: 0 } }],
  [
    { code: 3 },
    {
      state: 'TASK_FAILED',
      exit: { code: 3 },
      reason: 'COMMAND_FAILED',
      message: 'command exited with status 3',
    },
  ],
  [
    { signal: 9, name: 'SIGKILL' },
    {
      state: 'TASK_FAILED',
      exit: { signal: 9 },
      reason: 'COMMAND_FAILED',
      message: 'command was ended by SIGKILL',
    },
  ],
  [
    { unknown: 'it was lost' },
    {
      state: 'TASK_FAILED',
      reason: 'EXIT_UNKNOWN',
      message: 'nobody saw how the command ended: it was lost',
    },
  ],
]
for (const [exit, end] of ENDS) {
  test(`a container that ended with ${JSON.stringify(exit)}: ${end.state}`, (t) => {
    const rig = anAgentThatRuns('t-1')
    const effects = rig.ended('t-1', exit)
    t.deepEqual(kindsOf(effects), ['checkpoint', 'destroy', 'update'])
    t.like(statusOf(effects), end)
    t.is(freeCpus(rig), 4000, 'what it held is free at once')
  })
}

const OUT_OF_MEMORY = {
  reason: 'CONTAINER_LIMITATION_MEMORY',
  message: 'out of memory: its limit is 64 MiB, it had 64 MiB at most',
} as const

test('a task that was ended for its memory is FAILED, whatever its own process made of it', (t) => {
  for (const [exit, sentence] of [
    [{ signal: 9, name: 'SIGKILL' }, 'command was ended by SIGKILL'],
    [{ code: 0 }, 'command exited with status 0'],
  ] as const) {
    const rig = anAgentThatRuns('t-1')
    t.like(statusOf(rig.ended('t-1', exit, OUT_OF_MEMORY)), {
      state: 'TASK_FAILED',
      reason: 'CONTAINER_LIMITATION_MEMORY',
      message: `${OUT_OF_MEMORY.message}; ${sentence}`,
    })
  }
})

test('a task that was killed is KILLED, and the limit it had run into is told', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(aKill('t-1'))
  const limit = { reason: 'CONTAINER_LIMITATION', message: 'its limit of 2 was reached' } as const
  rig.ended('t-1', { signal: 15, name: 'SIGTERM' }, limit)
  t.like(rig.state.tasks.get(launchOf('t-1'))?.last, {
    state: 'TASK_KILLED',
    message: 'its limit of 2 was reached; command was ended by SIGTERM',
  })
})

test('a launch that failed is FAILED with the reason of the containerizer', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  const containerId = launchOf('t-1')
  const why = 'no user x'
  const effects = rig.hear({ kind: 'container.launch-failed', containerId, why })
  t.like(statusOf(effects), { state: 'TASK_FAILED', reason: 'LAUNCH_FAILED', message: why })
  t.is(freeCpus(rig), 4000)
})

test('what is told of containers that are not there or have ended is counted', (t) => {
  const rig = anAgentThatRuns('t-1')
  t.deepEqual(rig.ended('t-9'), [])
  rig.ended('t-1')
  t.deepEqual(rig.ended('t-1', { code: 1 }), [])
  t.is(rig.state.counts.strayContainer, 2)
})

test('a kill of a running task is in the checkpoint, sent on, and told as KILLING', (t) => {
  const rig = anAgentThatRuns('t-1')
  const effects = rig.orders(aKill('t-1'))
  t.deepEqual(kindsOf(effects), ['checkpoint', 'kill', 'update'])
  t.like(kills(effects)[0], { containerId: launchOf('t-1'), graceMs: KILL_GRACE_MS })
  t.like(statusOf(effects), { state: 'TASK_KILLING' })
})

test('the grace is that of the order, else that of the task, else the default', (t) => {
  const rig = anAgentThatRuns('t-1', { killGraceMs: 700 })
  t.like(kills(rig.orders(aKill('t-1')))[0], { graceMs: 700 })
  t.like(kills(rig.orders(aKill('t-1', 0)))[0], { graceMs: 0 })
})

test('a repeated kill is sent on, and KILLING is not told again', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(aKill('t-1', 5_000))
  t.deepEqual(kindsOf(rig.orders(aKill('t-1', 6_000))), ['kill'])
  t.deepEqual(kindsOf(rig.orders(aKill('t-1', 100))), ['checkpoint', 'kill'])
})

for (const exit of [{ code: 0 }, { signal: 15, name: 'SIGTERM' }, { unknown: 'lost' }]) {
  test(`after a kill ${JSON.stringify(exit)} is KILLED`, (t) => {
    const rig = anAgentThatRuns('t-1')
    rig.orders(aKill('t-1'))
    rig.ended('t-1', exit)
    t.is(rig.state.tasks.get(launchOf('t-1'))?.last?.state, 'TASK_KILLED')
  })
}

test('killed in the turn in which it came, a task never gets a container', (t) => {
  const rig = aRegisteredAgent()
  const effects = rig.orders(aRun([aTask('t-1')]), aKill('t-1'))
  t.deepEqual(kindsOf(effects), ['checkpoint', 'update'])
  t.like(statusOf(effects), { state: 'TASK_KILLED', reason: 'KILLED_DURING_LAUNCH' })
  t.is(freeCpus(rig), 4000)
})

test('killed before it started, a task is KILLED when its launch fails', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  t.deepEqual(kindsOf(rig.orders(aKill('t-1'))), ['checkpoint', 'kill'])
  const containerId = launchOf('t-1')
  t.like(statusOf(rig.hear({ kind: 'container.launch-failed', containerId, why: 'killed' })), {
    state: 'TASK_KILLED',
    reason: 'KILLED_DURING_LAUNCH',
  })
})

test('killed before it started, a task that starts nevertheless is KILLING, then KILLED', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  rig.orders(aKill('t-1'))
  t.like(statusOf(rig.started('t-1')), { state: 'TASK_KILLING' })
  rig.ended('t-1')
  t.is(rig.state.tasks.get(launchOf('t-1'))?.last?.state, 'TASK_KILLED')
})

test('a kill of a task that is not here, or has ended, is counted and changes nothing', (t) => {
  const rig = anAgentThatRuns('t-1')
  t.deepEqual(rig.orders(aKill('t-9')), [])
  rig.ended('t-1')
  t.deepEqual(rig.orders(aKill('t-1')), [])
  t.is(rig.state.counts.unknownTask, 2)
})

test('a kill of one launch leaves another of the same task id alone', (t) => {
  const rig = anAgentThatRuns('t-1')
  const other = '1-00000000000000aa-99' as Launch
  t.deepEqual(rig.orders({ ...aKill('t-1'), launch: other }), [])
  t.deepEqual(kindsOf(rig.orders({ ...aKill('t-1'), launch: launchOf('t-1') })), [
    'checkpoint',
    'kill',
    'update',
  ])
})

test('missing tasks: one that never came is DROPPED, one that is here is not answered', (t) => {
  const rig = anAgentThatRuns('t-1')
  const effects = rig.orders({ kind: 'missing', tasks: [aRef('t-1'), aRef('t-2')] })
  t.deepEqual(kindsOf(effects), ['checkpoint', 'update'])
  t.like(statusOf(effects), {
    taskId: 't-2',
    launch: launchOf('t-2'),
    state: 'TASK_DROPPED',
    reason: 'RECONCILIATION',
  })
})

test('missing tasks: one that was here and is forgotten is GONE', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.ended('t-1')
  rig.ackAll()
  rig.heardAll()
  const effects = rig.orders({ kind: 'missing', tasks: [aRef('t-1')] })
  t.like(statusOf(effects), { state: 'TASK_GONE', reason: 'RECONCILIATION' })
})

test('missing tasks: one that was told of is GONE, also if the checkpoint has lost it', (t) => {
  const rig = anAgentThatRuns('t-2')
  const told = { ...aRef('t-1'), reported: true }
  const effects = rig.orders({ kind: 'missing', tasks: [told] })
  t.like(statusOf(effects), { state: 'TASK_GONE', reason: 'RECONCILIATION' })
})

test('tear-down kills what runs, tells nobody of tasks, and says when nothing is left', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(aRun([aTask('t-2')]))
  const effects = rig.orders(aTearDown)
  t.deepEqual(kindsOf(effects), ['checkpoint', 'kill', 'kill'])
  t.deepEqual(kindsOf(rig.started('t-2')), [])
  t.deepEqual(kindsOf(rig.ended('t-1', { signal: 15, name: 'SIGTERM' })), ['checkpoint', 'destroy'])
  t.is(freeCpus(rig), 3000, 'what a task holds is held until it has ended')
  const last = rig.ended('t-2')
  t.deepEqual(reportsOf(last), [{ kind: 'torn-down', ...FRAMEWORK }])
  t.is(rig.state.tasks.size + rig.state.frameworks.size, 0)
  t.is(freeCpus(rig), 4000)
})

test('torn-down is said when no loss of power can bring the framework back', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(aTearDown)
  const gone = { kind: 'framework-gone', ...FRAMEWORK }
  for (const effects of [rig.ended('t-1'), rig.orders(aTearDown)]) {
    const [first] = effects
    t.like(first, { do: 'checkpoint', durability: 'disk' })
    t.deepEqual(first?.do === 'checkpoint' && first.records.at(-1), gone)
    t.deepEqual(reportsOf(effects), [{ kind: 'torn-down', ...FRAMEWORK }])
  }
})

test('tear-down drops the streams of tasks that have ended', (t) => {
  const rig = anAgentThatRuns('t-1')
  const status = statusOf(rig.ended('t-1'))
  t.deepEqual(reportsOf(rig.orders(aTearDown)), [{ kind: 'torn-down', ...FRAMEWORK }])
  t.deepEqual(rig.ack(status), [])
  t.deepEqual(statusesOf(rig.pass(60_000)), [])
  t.is(rig.state.counts.unknownFramework, 1)
})

test('tear-down of a framework that is not here is answered at once, however often', (t) => {
  const rig = aRegisteredAgent()
  for (let i = 0; i < 2; i++) {
    t.deepEqual(reportsOf(rig.orders(aTearDown)), [{ kind: 'torn-down', ...FRAMEWORK }])
  }
})

test('tear-down leaves other frameworks alone, and takes no task of its own any more', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(aRun([aTask('t-2')], { frameworkId: 'f-2' as FrameworkId }))
  t.is(kills(rig.orders(aTearDown)).length, 1)
  t.deepEqual(rig.orders(aRun([aTask('t-3')])), [])
  t.false(rig.state.tasks.has(launchOf('t-3')))
  t.true(rig.state.tasks.has(launchOf('t-2')))
})

test('torn-down is said in the next session if there is none now', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(aTearDown)
  rig.invite()
  t.deepEqual(reportsOf(rig.ended('t-1')), [])
  rig.invite()
  t.deepEqual(reportsOf(rig.confirm()), [{ kind: 'torn-down', ...FRAMEWORK }])
})

test('only so many sandboxes of forgotten tasks are kept', (t) => {
  const rig = aRegisteredAgent({ ...aRegisteredAgent().state.profile, sandboxesMax: 1 })
  const removed: unknown[] = []
  for (const id of ['t-1', 't-2', 't-3']) {
    rig.orders(aRun([aTask(id)]))
    rig.ended(id)
    rig.ackAll()
    for (const effect of rig.heardAll()) {
      if (effect.do === 'remove-sandbox') removed.push(effect.sandbox)
    }
  }
  t.deepEqual(removed, [aRef('t-1'), aRef('t-2')])
})
