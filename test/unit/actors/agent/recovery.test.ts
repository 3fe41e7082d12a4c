import test from 'ava'
import type { ExitSeen, FoundContainer } from '../../../../actors/agent/inputs.ts'
import { FORMAT } from '../../../../actors/agent/records.ts'
import type { Profile } from '../../../../actors/agent/state.ts'
import { scalarOf } from '../../../../protocol/resources.ts'
import type { AgentOrder } from '../../../../protocol/schema/agent.ts'
import {
  anAgentThatRuns,
  aProfile,
  aRef,
  aRegisteredAgent,
  aRun,
  aTask,
  FRAMEWORK,
  found,
  INCARNATION,
  kindsOf,
  launchOf,
  NEXT_LEADER,
  Rig,
  reportsOf,
  statusesOf,
  statusOf,
} from './builders.ts'

const running: FoundContainer['state'] = { kind: 'running' }
const aKill = (taskId: string): AgentOrder => ({
  kind: 'kill',
  ...FRAMEWORK,
  taskId: aRef(taskId).taskId,
  graceMs: 50,
})

test('each start writes a new incarnation to disk before anything else', (t) => {
  const rig = new Rig()
  t.deepEqual(kindsOf(rig.begun), ['compact'])
  const incarnation = INCARNATION
  t.like(rig.records[0], { kind: 'start', format: FORMAT, incarnation, bootId: 'boot-1' })
  t.is(kindsOf(rig.restart())[0], 'compact')
  t.like(rig.records[0], { incarnation: incarnation + 1 })
  t.like(reportsOf(rig.beat())[0], { kind: 'register', incarnation: incarnation + 1 })
})

test('a work directory has an identity from its first start on, and a new one has another', (t) => {
  const rig = new Rig()
  const { directory } = rig.state
  t.regex(directory, /^[0-9a-f]{16}$/)
  rig.restart()
  t.is(rig.state.directory, directory)
  t.like(reportsOf(rig.beat())[0], { kind: 'register', directory })
  const [start, ...rest] = rig.records
  if (start?.kind !== 'start') return t.fail('no start')
  const { directory: _, ...older } = start
  rig.records.splice(0, rig.records.length, older, ...rest)
  rig.restart()
  t.regex(rig.state.directory, /^[0-9a-f]{16}$/, 'an older agent wrote none')
  rig.records.length = 0
  const before = rig.state.directory
  rig.restart()
  t.not(rig.state.directory, before)
})

test('a restart while a task runs changes nothing for the task', (t) => {
  const rig = anAgentThatRuns('t-1')
  const effects = rig.restart({ containers: [found('t-1', running)] })
  t.deepEqual(kindsOf(effects), ['compact'])
  t.is(scalarOf(rig.state.free, 'cpus'), 3000)
  t.like(statusOf(rig.ended('t-1')), {
    state: 'TASK_FINISHED',
    number: { incarnation: INCARNATION + 1, count: 1 },
  })
})

test('a status that was not acknowledged is sent again after a restart, with its uuid', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  const before = statusOf(rig.started('t-1'))
  t.like(statusOf(rig.restart({ containers: [found('t-1', running)] })), {
    uuid: before.uuid,
    state: 'TASK_RUNNING',
    number: before.number,
  })
  rig.ack(before)
  t.deepEqual(statusesOf(rig.restart({ containers: [found('t-1', running)] })), [])
})

test('a task that started unseen is RUNNING after a restart', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  t.like(statusOf(rig.restart({ containers: [found('t-1', running)] })), { state: 'TASK_RUNNING' })
})

test('a task that ended unseen has its true end after a restart', (t) => {
  const rig = anAgentThatRuns('t-1')
  const effects = rig.restart({ containers: [found('t-1', { kind: 'ended', exit: { code: 3 } })] })
  t.deepEqual(kindsOf(effects), ['compact', 'destroy', 'update'])
  t.like(statusOf(effects), { state: 'TASK_FAILED', exit: { code: 3 } })
  t.is(scalarOf(rig.state.free, 'cpus'), 4000)
})

test('a crash between checkpoint and launch: the task is DROPPED', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  const effects = rig.restart()
  t.like(statusOf(effects), { state: 'TASK_DROPPED', reason: 'AGENT_RESTARTED' })
})

test('a container that never started: the task is DROPPED and the container removed', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  const effects = rig.restart({ containers: [found('t-1', { kind: 'never-started' })] })
  t.deepEqual(kindsOf(effects), ['compact', 'destroy', 'update'])
  t.like(statusOf(effects), { state: 'TASK_DROPPED', reason: 'AGENT_RESTARTED' })
})

test('a running task whose container is gone is FAILED, its exit unknown', (t) => {
  const rig = anAgentThatRuns('t-1')
  t.like(statusOf(rig.restart()), { state: 'TASK_FAILED', reason: 'EXIT_UNKNOWN' })
})

test('after a reboot tasks are FAILED for it, unless their end was seen', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(aRun([aTask('t-2'), aTask('t-3')]))
  rig.started('t-2')
  rig.started('t-3')
  rig.ackAll()
  const effects = rig.restart({
    bootId: 'boot-2',
    containers: [
      found('t-2', { kind: 'ended', exit: { unknown: 'the machine was rebooted' } }),
      found('t-3', { kind: 'ended', exit: { code: 0 } }),
    ],
  })
  t.deepEqual(
    statusesOf(effects).map(({ taskId, state, reason }) => [taskId, state, reason]),
    [
      ['t-1', 'TASK_FAILED', 'AGENT_REBOOTED'],
      ['t-2', 'TASK_FAILED', 'AGENT_REBOOTED'],
      ['t-3', 'TASK_FINISHED', undefined],
    ],
  )
})

test('a kill is repeated after a restart, and its task is KILLED however it ended', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(aKill('t-1'))
  rig.ackAll()
  const effects = rig.restart({ containers: [found('t-1', running)] })
  t.deepEqual(effects.slice(1), [{ do: 'kill', containerId: launchOf('t-1'), graceMs: 50 }])
  const ended = found('t-1', { kind: 'ended', exit: { code: 0 } })
  t.like(statusOf(rig.restart({ containers: [ended] })), { state: 'TASK_KILLED' })
})

test('of the grace of a kill a restart leaves what is left of it', (t) => {
  const rig = anAgentThatRuns('t-1')
  const kill = { ...aKill('t-1'), graceMs: 10_000 } as AgentOrder
  rig.orders(kill)
  rig.nowMs += 4_000
  const graceAfterRestart = () => {
    const effects = rig.restart({ containers: [found('t-1', running)] })
    return effects.flatMap((e) => (e.do === 'kill' ? [e.graceMs] : []))
  }
  t.deepEqual(graceAfterRestart(), [6_000])
  rig.nowMs += 7_000
  t.deepEqual(graceAfterRestart(), [0])
  rig.nowMs -= 3_600_000
  t.deepEqual(graceAfterRestart(), [10_000], 'a clock that went back adds nothing')
})

test('a second kill with a shorter grace that is over later changes nothing after a restart', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders({ ...aKill('t-1'), graceMs: 10_000 } as AgentOrder)
  rig.nowMs += 5_000
  rig.orders({ ...aKill('t-1'), graceMs: 9_000 } as AgentOrder)
  const effects = rig.restart({ containers: [found('t-1', running)] })
  t.like(
    effects.find((e) => e.do === 'kill'),
    { graceMs: 5_000 },
  )
})

test('the grace of a tear-down is not longer for a restart', (t) => {
  const rig = anAgentThatRuns('t-1', { killGraceMs: 8_000 })
  rig.orders({ kind: 'tear-down', ...FRAMEWORK })
  rig.nowMs += 6_000
  const effects = rig.restart({ containers: [found('t-1', running)] })
  t.like(
    effects.find((e) => e.do === 'kill'),
    { graceMs: 2_000 },
  )
})

test('a task that was ended as no agent came back is FAILED, and says so', (t) => {
  const rig = anAgentThatRuns('t-1')
  const why = 'no agent came back within 900 s'
  const ended = (exit: ExitSeen) =>
    rig.restart({ containers: [found('t-1', { kind: 'ended', exit, why })] })
  const told = { state: 'TASK_FAILED', reason: 'AGENT_AWAY' } as const
  t.like(statusOf(ended({ signal: 15, name: 'SIGTERM' })), {
    ...told,
    message: `${why}; command was ended by SIGTERM`,
    exit: { signal: 15 },
  })
  const politely = anAgentThatRuns('t-1')
  const seen = { kind: 'ended', exit: { code: 0 }, why } as const
  t.like(statusOf(politely.restart({ containers: [found('t-1', seen)] })), {
    ...told,
    message: `${why}; command exited with status 0`,
    exit: { code: 0 },
  })
})

test('a task that ran out of memory while its agent was away is FAILED for that', (t) => {
  const rig = anAgentThatRuns('t-1')
  const limit = { reason: 'CONTAINER_LIMITATION_MEMORY', message: 'out of memory' } as const
  const seen = { kind: 'ended', exit: { signal: 9, name: 'SIGKILL' }, limit } as const
  t.like(statusOf(rig.restart({ containers: [found('t-1', seen)] })), {
    state: 'TASK_FAILED',
    reason: 'CONTAINER_LIMITATION_MEMORY',
    message: 'out of memory; command was ended by SIGKILL',
  })
})

test('a task killed before it started is KILLED after a restart that finds nothing', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  rig.orders(aKill('t-1'))
  t.like(statusOf(rig.restart()), { state: 'TASK_KILLED', reason: 'KILLED_DURING_LAUNCH' })
})

test('containers that the checkpoint does not know, or of ended tasks, are removed', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.ended('t-1')
  const effects = rig.restart({
    containers: [found('t-1', { kind: 'ended', exit: { code: 0 } }), found('t-9', running)],
  })
  const destroyed = effects.flatMap((e) => (e.do === 'destroy' ? [e.containerId] : []))
  t.deepEqual(destroyed, [launchOf('t-1'), launchOf('t-9')])
})

test('with its checkpoint an agent loses its tasks, and says that they were here', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.records = []
  const effects = rig.restart({ containers: [found('t-1', running)] })
  t.deepEqual(kindsOf(effects), ['compact', 'destroy'])
  rig.beat()
  rig.confirm()
  const missing = rig.orders({ kind: 'missing', tasks: [aRef('t-1'), aRef('t-2')] })
  t.deepEqual(
    statusesOf(missing).map(({ taskId, state }) => `${taskId} ${state}`),
    ['t-1 TASK_GONE', 't-2 TASK_DROPPED'],
  )
})

const saidOf = (rig: Rig, taskId: string): number => {
  rig.beat()
  rig.confirm()
  const [said] = statusesOf(rig.orders({ kind: 'missing', tasks: [aRef(taskId)] }))
  return said?.number?.incarnation ?? 0
}

test('an agent whose work directory is a new one says what stands above all that it has said', (t) => {
  const rig = anAgentThatRuns('t-1')
  for (let i = 0; i < 5; i++) rig.restart()
  const before = rig.state.incarnation
  rig.pass(10_000)
  rig.records = []
  rig.restart()
  t.true(saidOf(rig, 't-1') > before)
})

test('an agent whose work directory is an older one says what stands above all that it has said', (t) => {
  const rig = new Rig()
  const older = [...rig.records]
  for (let i = 0; i < 5; i++) rig.restart()
  const before = rig.state.incarnation
  rig.pass(10_000)
  rig.records = older
  rig.restart()
  t.true(saidOf(rig, 't-1') > before)
})

test('an agent whose clock was set back counts on from its last start', (t) => {
  const rig = new Rig()
  rig.wallStepMs = -3_600_000
  rig.restart()
  t.is(rig.state.incarnation, INCARNATION + 1)
})

test('a settled task waits for the leader over a restart', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.ended('t-1')
  rig.ackAll()
  rig.restart()
  const page = reportsOf(rig.beat()).find(({ kind }) => kind === 'snapshot-page')
  t.like(page, { tasks: { 0: { latest: 'TASK_FINISHED', settled: true } } })
  rig.confirm()
  t.is(rig.state.tasks.size, 0)
  rig.restart()
  t.is(rig.state.tasks.size, 0)
  t.deepEqual([...rig.state.sandboxes.keys()], [launchOf('t-1')])
})

test('a tear-down goes on after a restart', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders({ kind: 'tear-down', ...FRAMEWORK })
  const effects = rig.restart({ containers: [found('t-1', running)] })
  t.deepEqual(kindsOf(effects), ['compact', 'kill'])
  rig.beat()
  rig.confirm()
  t.deepEqual(reportsOf(rig.ended('t-1')), [{ kind: 'torn-down', ...FRAMEWORK }])
})

test('a tear-down whose tasks ended unseen is told in the first session', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders({ kind: 'tear-down', ...FRAMEWORK })
  const ended = found('t-1', { kind: 'ended', exit: { code: 0 } })
  t.deepEqual(statusesOf(rig.restart({ containers: [ended] })), [])
  rig.beat()
  t.deepEqual(reportsOf(rig.confirm()), [{ kind: 'torn-down', ...FRAMEWORK }])
})

test('a tear-down of which only the beginning was written goes on after a restart', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.ended('t-1')
  const begun = rig.records.length
  rig.orders({ kind: 'tear-down', ...FRAMEWORK })
  rig.records.length = begun + 1
  t.like(rig.records.at(-1), { kind: 'framework', isOver: true })
  t.deepEqual(statusesOf(rig.restart()), [])
  rig.beat()
  t.deepEqual(reportsOf(rig.confirm()), [{ kind: 'torn-down', ...FRAMEWORK }])
  t.is(rig.state.tasks.size, 0)
})

test('the highest subscription is remembered over a restart', (t) => {
  const rig = anAgentThatRuns('t-1')
  const subscription = { epoch: 5, count: 7 }
  rig.orders({ kind: 'framework-subscribed', ...FRAMEWORK, subscription })
  rig.restart({ containers: [found('t-1', running)] })
  const status = statusOf(rig.ended('t-1'))
  t.deepEqual(rig.ack(status, { subscription: { epoch: 5, count: 6 } }), [])
  t.is(rig.state.counts.staleAck, 1)
})

test('other resources than before are another version, and older offers are stale', (t) => {
  const rig = anAgentThatRuns('t-1')
  const more = aProfile({
    resources: [
      { name: 'cpus', scalar: 8 },
      { name: 'mem', scalar: 1024 },
    ],
  })
  rig.restart({ containers: [found('t-1', running)], profile: more })
  t.like(reportsOf(rig.beat())[0], { info: { resourcesVersion: 2 } })
  rig.confirm()
  t.like(statusOf(rig.orders(aRun([aTask('t-2')]))), { reason: 'RESOURCES_STALE' })
  rig.restart({ containers: [found('t-1', running)], profile: more })
  t.is(rig.state.resourcesVersion, 2)
})

test('an agent that has less than its tasks hold does not start', (t) => {
  const rig = anAgentThatRuns('t-1')
  const less = aProfile({ resources: [{ name: 'cpus', scalar: 0.5 }] })
  const effects = rig.restart({ containers: [found('t-1', running)], profile: less })
  t.deepEqual(kindsOf(effects), ['give-up'])
  t.deepEqual(rig.beat(), [])
})

const withGpus = (gpus: number, more: Partial<Profile> = {}): Profile => {
  const { resources } = aProfile()
  return aProfile({ resources: [...resources, { name: 'gpus', scalar: gpus }], ...more })
}

function anAgentWithGpuTask(): Rig {
  const rig = aRegisteredAgent(withGpus(2))
  rig.orders(
    aRun([aTask('t-1', { resources: { cpus: 1, mem: 32, gpus: 2 } })]),
    aRun([aTask('t-2')]),
  )
  for (const taskId of ['t-1', 't-2']) rig.started(taskId)
  return rig
}

test('an agent that has lost a GPU goes on with all of its tasks, and gives back none', (t) => {
  const rig = anAgentWithGpuTask()
  const containers = [found('t-1', running), found('t-2', running)]
  rig.restart({ containers, profile: withGpus(1) })
  const { total } = rig.state
  t.is(scalarOf(rig.state.free, 'cpus'), scalarOf(total, 'cpus') - 2_000)
  t.like(reportsOf(rig.beat())[0], { kind: 'register', info: { resourcesVersion: 2 } })
  t.deepEqual(
    [...rig.state.tasks.values()].map(({ last }) => last?.state),
    ['TASK_RUNNING', 'TASK_RUNNING'],
  )
  for (const taskId of ['t-1', 't-2']) rig.ended(taskId)
  t.deepEqual(rig.state.free, rig.state.total)
})

test('an agent that is to offer GPUs that have gone starts for what still runs only', (t) => {
  const lacks = 'the agent is to offer 2 gpus, and /dev has 1'
  const profile = withGpus(1, { lacks })
  const rig = anAgentWithGpuTask()
  t.deepEqual(rig.restart({ profile }), [{ do: 'give-up', message: lacks }])
  const other = anAgentWithGpuTask()
  t.deepEqual(
    kindsOf(other.restart({ containers: [found('t-2', running)], profile }))[0],
    'compact',
  )
})

test('what has ended needs no room: after a reboot an agent may have less', (t) => {
  const rig = anAgentThatRuns('t-1')
  const less = aProfile({ resources: [{ name: 'cpus', scalar: 0.5 }] })
  const effects = rig.restart({ bootId: 'boot-2', profile: less })
  t.like(statusOf(effects), { state: 'TASK_FAILED', reason: 'AGENT_REBOOTED' })
  t.deepEqual(rig.state.free, rig.state.total)
})

test('an agent that does not start says nothing of its tasks', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  rig.started('t-1')
  const less = aProfile({ resources: [{ name: 'cpus', scalar: 0.5 }] })
  t.deepEqual(kindsOf(rig.restart({ containers: [found('t-1', running)], profile: less })), [
    'give-up',
  ])
})

test('a checkpoint of a newer format is left alone', (t) => {
  const rig = new Rig()
  rig.records = [{ ...(rig.records[0] as object), format: FORMAT + 1 } as (typeof rig.records)[0]]
  t.deepEqual(kindsOf(rig.restart()), ['give-up'])
})

test('a compacted checkpoint comes to the same as the one that grew', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.beat(NEXT_LEADER)
  rig.invite(NEXT_LEADER)
  rig.leader = NEXT_LEADER
  rig.confirm()
  rig.orders(aRun([aTask('t-2'), aTask('t-3', { name: 'three', killGraceMs: 9 })]))
  rig.started('t-2')
  rig.orders(aKill('t-2'))
  rig.ended('t-1')
  const containers = [found('t-2', running), found('t-3', running)]
  const grown = rig.records
  rig.hear({ kind: 'checkpoint.grown' })
  const compacted = rig.records
  t.true(compacted.length < grown.length)
  rig.records = grown
  rig.restart({ containers })
  const fromGrown = messagesAfterStart(rig)
  rig.records = compacted
  rig.restart({ containers })
  t.deepEqual(messagesAfterStart(rig), fromGrown)
})

/** What the leader is told of tasks and frameworks, but for uuids and numbers of this start. */
function messagesAfterStart(rig: Rig) {
  return reportsOf(rig.beat(NEXT_LEADER)).filter(({ kind }) => kind === 'snapshot-page')
}
