import test from 'ava'
import {
  type EmulatedOptions,
  hostAgents,
  type RunningAgents,
  startEmulatedAgents,
} from '../../../../actors/agent/main.ts'
import type { Machine } from '../../../../actors/agent/shell.ts'
import { MemoryDisk } from '../../../../actors/kit/record-log/memory.ts'
import type { OpenedRecordLog, RecordLog } from '../../../../actors/kit/record-log/record-log.ts'
import { PretendMachine } from '../../../../agent-runtime/containerizer/pretending.ts'
import { pretendingRuntime } from '../../../../agent-runtime/pretending.ts'
import { randomToken } from '../../../../bus/random.ts'
import { SimulatedClock } from '../../../../bus/simulated/clock.ts'
import { SimulatedSystem } from '../../../../bus/simulated/system.ts'
import { ClusterError } from '../../../../protocol/errors.ts'
import type { AgentId, SessionId } from '../../../../protocol/ids.ts'
import { aProfile, aRun, aTask, FRAMEWORK, launchOf } from './builders.ts'
import { aLeader, cluster, type Leader } from './leader.ts'

const A1 = 'a-1' as AgentId

class Stage {
  readonly clock = new SimulatedClock()
  readonly system = new SimulatedSystem(this.clock)
  readonly machine = new PretendMachine()
  readonly disk = new MemoryDisk()
  readonly gaveUp: string[] = []
  readonly faults: unknown[] = []
  readonly notes: string[] = []

  /** Instead of what the containerizer says. */
  countUsage: (() => Promise<never>) | undefined

  get world() {
    return {
      cluster,
      system: this.system,
      clock: this.clock,
      randomToken,
      onRefused: (subject: string) => void this.faults.push(subject),
      onGiveUp: (message: string) => void this.gaveUp.push(message),
      onFault: (fault: unknown) => void this.faults.push(fault),
      onNote: (note: string) => void this.notes.push(note),
    }
  }

  pass(ms: number): Promise<void> {
    return this.clock.runUntil(this.clock.now().monotonicMs + ms)
  }

  leader(): Promise<Leader> {
    return aLeader(this.clock, this.system)
  }

  /** The agent of the one machine, on the one disk. */
  agent(openCheckpoint = (): OpenedRecordLog => this.disk.open()): Promise<RunningAgents> {
    const { clock, machine } = this
    const settles = (): void => clock.settles()
    const only: Machine = {
      profile: aProfile(),
      openRuntime: (onEvent) => {
        const made = pretendingRuntime({ machine, clock, onEvent, settles })
        const { containerizer } = made
        const usage = containerizer.usage.bind(containerizer)
        containerizer.usage = (id) => this.countUsage?.() ?? usage(id)
        return Promise.resolve(made)
      },
    }
    const hosted = { machines: [only], openCheckpoint, bootId: 'boot-1' }
    return clock.runFor(hostAgents(this.world, hosted))
  }

  emulated(given: Pick<EmulatedOptions, 'count' | 'attributes'>): Promise<RunningAgents> {
    const resources = aProfile().resources
    const options = { ...this.world, name: 'e', hostname: 'host', resources, ...given }
    return this.clock.runFor(startEmulatedAgents(options))
  }
}

const aSleep = (taskId: string, env: Readonly<Record<string, string>> = {}) =>
  aTask(taskId, { command: { argv: ['sleep'], env } })

async function aRunningAgent() {
  const stage = new Stage()
  const leader = await stage.leader()
  const agents = await stage.agent()
  leader.beat()
  await stage.pass(100)
  return { stage, leader, agents }
}

test('an agent registers, runs a task, and forgets it when all have heard of its end', async (t) => {
  const { stage, leader, agents } = await aRunningAgent()
  t.like(leader.reports[0], { kind: 'register', from: A1 })
  t.deepEqual(agents.states[0]?.profile.attributes, [
    { name: 'isolation', text: 'pretending' },
    { name: 'isolators', text: '' },
    { name: 'containerizers', text: 'process' },
    { name: 'rack', text: 'r1' },
  ])
  leader.order(A1, aRun([aSleep('t-1', { PRETEND_MS: '1000' })]))
  await stage.pass(500)
  t.deepEqual(leader.statesOf('t-1'), ['TASK_RUNNING'])
  await stage.pass(1_000)
  t.deepEqual(leader.statesOf('t-1'), ['TASK_RUNNING', 'TASK_FINISHED'])
  t.true(leader.reports.some(({ kind }) => kind === 'settled'))
  t.is(agents.states[0]?.tasks.size, 0)
  t.is(stage.machine.containers.size, 0)
  await stage.clock.runFor(agents.stop())
  t.deepEqual([stage.gaveUp, stage.faults], [[], []])
})

test('a task runs on while its agent is away, and its true end is told', async (t) => {
  const { stage, leader, agents } = await aRunningAgent()
  leader.order(
    A1,
    aRun([
      aSleep('t-1', { PRETEND_MS: '5000', PRETEND_EXIT: '3' }),
      aSleep('t-2', { PRETEND_MS: '20000' }),
    ]),
  )
  await stage.pass(1_000)
  await stage.clock.runFor(agents.stop())
  await stage.pass(10_000)
  t.deepEqual(leader.statesOf('t-1'), ['TASK_RUNNING'])
  const again = await stage.agent()
  leader.beat()
  await stage.pass(1_000)
  t.deepEqual(leader.statesOf('t-1'), ['TASK_RUNNING', 'TASK_FAILED'])
  const incarnation = again.states[0]?.incarnation ?? 0
  t.true(incarnation > (agents.states[0]?.incarnation ?? 0))
  t.like(leader.statuses.at(-1), { exit: { code: 3 }, number: { incarnation } })
  await stage.pass(10_000)
  t.deepEqual(leader.statesOf('t-2'), ['TASK_RUNNING', 'TASK_FINISHED'])
})

test('what an agent tells of itself is not whatever else somebody says of it', async (t) => {
  const stage = new Stage()
  const rack = { name: 'rack', text: 'r1' }
  const attributes = [rack, { name: 'isolators', text: 'rlimits' }, { name: 'images', text: 'x' }]
  const agents = await stage.emulated({ count: 1, attributes })
  t.deepEqual(agents.states[0]?.profile.attributes, [
    { name: 'isolation', text: 'pretending' },
    { name: 'isolators', text: '' },
    { name: 'containerizers', text: 'process' },
    rack,
  ])
  await stage.clock.runFor(agents.stop())
})

test('signals travel as numbers', async (t) => {
  const { stage, leader } = await aRunningAgent()
  leader.order(A1, aRun([aSleep('t-1', { PRETEND_EXIT: 'SIGSEGV' })]))
  await stage.pass(100)
  t.like(leader.statuses.at(-1), {
    state: 'TASK_FAILED',
    exit: { signal: 11 },
    message: 'command was ended by SIGSEGV',
  })
})

test('output is published where the leader asked for it', async (t) => {
  const { stage, leader } = await aRunningAgent()
  leader.order(A1, aRun([aSleep('t-1', { PRETEND_MS: '100', PRETEND_OUTPUT: 'hello' })]))
  await stage.pass(50)
  const wanted = {
    kind: 'send-output',
    ...FRAMEWORK,
    taskId: aTask('t-1').taskId,
    stream: 'stdout',
    bytesMax: 100,
    waitMs: 1_000,
  } as const
  leader.order(A1, { ...wanted, offset: 0, request: '1'.repeat(16) as SessionId })
  leader.order(A1, { ...wanted, offset: 5, request: '2'.repeat(16) as SessionId })
  await stage.pass(20)
  t.deepEqual(
    leader.outputs.map(({ offset, data, end }) => [offset, new TextDecoder().decode(data), end]),
    [[0, 'hello', false]],
  )
  await stage.pass(1_000)
  t.like(leader.outputs[1], { offset: 5, end: true })
})

test('what cannot be counted of a task is not told: it runs all the same', async (t) => {
  const { stage, leader } = await aRunningAgent()
  leader.order(A1, aRun([aSleep('t-1', { PRETEND_MS: '60000' })]))
  await stage.pass(50)
  const { taskId } = aTask('t-1')
  const ask = (digit: string): void =>
    leader.order(A1, {
      kind: 'send-usage',
      ...FRAMEWORK,
      taskId,
      request: digit.repeat(16) as SessionId,
    })
  ask('1')
  await stage.pass(50)
  t.deepEqual([leader.usages.length, leader.usages[0]?.missing], [1, undefined])
  const fault = new Error('EIO')
  stage.countUsage = () => Promise.reject(fault)
  ask('2')
  await stage.pass(50)
  t.is(leader.usages.length, 1)
  t.deepEqual(stage.faults, [fault])
})

test('a lost server ends the session, and statuses come again until they are acknowledged', async (t) => {
  const { stage, leader, agents } = await aRunningAgent()
  leader.order(A1, aRun([aSleep('t-1', { PRETEND_MS: '1000' })]))
  await stage.pass(500)
  const before = agents.states[0]?.link
  stage.system.crash()
  await stage.pass(1_000)
  stage.system.restart()
  await stage.pass(10_000)
  const after = agents.states[0]?.link
  t.is(after?.kind, 'open')
  t.not(after, before)
  t.is(leader.statesOf('t-1').at(-1), 'TASK_FINISHED')
  t.is(agents.states[0]?.tasks.size, 0)
})

test('an agent that is asked while it recovers says that it does', async (t) => {
  const { stage, leader, agents } = await aRunningAgent()
  leader.order(A1, aRun([aSleep('t-1', { PRETEND_MS: '60000' })]))
  await stage.pass(500)
  await stage.clock.runFor(agents.stop())
  let recovered: () => void = () => undefined
  const looks = new Promise<void>((resolve) => {
    recovered = resolve
  })
  const slowly: Machine = {
    profile: aProfile(),
    openRuntime(onEvent) {
      const { clock, machine } = stage
      const settles = (): void => clock.settles()
      const made = pretendingRuntime({ machine, clock, onEvent, settles })
      const { containerizer } = made
      const recover = containerizer.recover.bind(containerizer)
      containerizer.recover = () => looks.then(recover)
      return Promise.resolve(made)
    },
  }
  const openCheckpoint = () => stage.disk.open()
  const hosted = { machines: [slowly], openCheckpoint, bootId: 'boot-1' }
  const opening = hostAgents(stage.world, hosted)
  await stage.pass(100)
  const before = leader.reports.length
  for (let i = 0; i < 3; i++) {
    leader.order(A1, { kind: 'ping' })
    await stage.pass(10_000)
  }
  t.deepEqual(
    leader.reports.slice(before).map(({ kind }) => kind),
    ['waiting', 'waiting', 'waiting'],
  )
  recovered()
  const again = await stage.clock.runFor(opening)
  leader.beat()
  await stage.pass(1_000)
  t.is(again.states[0]?.link.kind, 'open')
  t.deepEqual([...(again.states[0]?.tasks.keys() ?? [])], [launchOf('t-1')])
})

test('while the checkpoint cannot be written nothing is launched or told, and then all is', async (t) => {
  const stage = new Stage()
  const leader = await stage.leader()
  const opened = stage.disk.open()
  let isFull = false
  const refuseIfFull = (): void => {
    if (!isFull) return
    const cause = new Error('ENOSPC: no space left on device, write')
    throw new ClusterError('record-log/write-failed', 'later', 'cannot write /x', { cause })
  }
  const agents = await stage.agent(() => ({
    ...opened,
    log: {
      sizeBytes: 0,
      append(records, durability) {
        refuseIfFull()
        opened.log.append(records, durability)
      },
      rewrite(records) {
        refuseIfFull()
        opened.log.rewrite(records)
      },
      close: () => undefined,
    },
  }))
  leader.beat()
  await stage.pass(100)
  leader.order(A1, aRun([aSleep('t-1', { PRETEND_MS: '5000', PRETEND_EXIT: '3' })]))
  await stage.pass(100)
  isFull = true
  leader.order(A1, aRun([aSleep('t-2')]))
  await stage.pass(100)
  t.deepEqual([...stage.machine.containers.keys()], [launchOf('t-1')])
  t.like(leader.statuses.at(-1), {
    taskId: 't-2',
    state: 'TASK_DROPPED',
    reason: 'CHECKPOINT_FAILED',
    message:
      'the checkpoint of its agent cannot be written: cannot write /x: ENOSPC: no space left on device, write',
  })
  leader.order(A1, { kind: 'ping' })
  await stage.pass(10_000)
  t.like(leader.reports.at(-1), { kind: 'waiting' })
  t.deepEqual(leader.statesOf('t-1'), ['TASK_RUNNING'], 'its end is not written')
  t.is(stage.faults.length, 1, 'it is told once')
  isFull = false
  await stage.pass(2_000)
  t.deepEqual(stage.notes, ['the checkpoint can be written again'])
  t.deepEqual(leader.statesOf('t-1'), ['TASK_RUNNING', 'TASK_FAILED'])
  t.like(
    leader.reports.findLast(({ kind }) => kind === 'register'),
    { opens: 2 },
  )
  leader.order(A1, aRun([aSleep('t-3', { PRETEND_MS: '10' })]))
  await stage.pass(1_000)
  t.is(leader.statesOf('t-3').at(-1), 'TASK_FINISHED')
  t.is(agents.states[0]?.tasks.size, 0)
  await stage.clock.runFor(agents.stop())
  t.is(stage.gaveUp.length, 0)
})

test('a checkpoint that has grown is written anew', async (t) => {
  const stage = new Stage()
  const leader = await stage.leader()
  const agents = await stage.agent(() => {
    const opened = stage.disk.open()
    const large: RecordLog = {
      get sizeBytes() {
        return 20 * opened.log.sizeBytes
      },
      append: (records, durability) => opened.log.append(records, durability),
      rewrite: (records) => opened.log.rewrite(records),
      close: () => undefined,
    }
    return { ...opened, log: large }
  })
  leader.beat()
  await stage.pass(100)
  const env = { PRETEND_MS: '10' }
  const sizesBytes: number[] = []
  for (let i = 0; i < 1_500; i++) {
    leader.order(A1, aRun([aSleep(`t-${i}`, env)]))
    await stage.pass(20)
    sizesBytes.push(stage.disk.open().log.sizeBytes)
  }
  const shrunk = sizesBytes.filter((bytes, i) => bytes < (sizesBytes[i - 1] ?? 0))
  t.is(shrunk.length, 1)
  t.true((shrunk[0] ?? 0) < 10_000)
  t.is(agents.states[0]?.tasks.size, 0)
  await stage.clock.runFor(agents.stop())
  const again = await stage.agent()
  t.true((again.states[0]?.incarnation ?? 0) > (agents.states[0]?.incarnation ?? 0))
  t.is(again.states[0]?.sandboxes.size, 10)
})

test('many emulated agents share a connection and a checkpoint, each under its own name', async (t) => {
  const stage = new Stage()
  const leader = await stage.leader()
  const { agentIds, states } = await stage.emulated({ count: 50 })
  leader.beat()
  await stage.pass(1_000)
  t.deepEqual(new Set(leader.reports.map(({ from }) => from)), new Set(agentIds))
  t.true(states.every(({ link }) => link.kind === 'open'))
  for (const agentId of agentIds) {
    const run = aRun([aSleep(`of-${agentId}`, { PRETEND_MS: '100' })])
    leader.order(agentId, run)
  }
  await stage.pass(1_000)
  for (const agentId of agentIds) {
    t.deepEqual(leader.statesOf(`of-${agentId}`), ['TASK_RUNNING', 'TASK_FINISHED'])
  }
  t.true(states.every(({ tasks }) => tasks.size === 0))
  t.true(stage.system.clock.now().monotonicMs < 10_000)
})

test('an agent that is stopped says so last, before its connection is gone', async (t) => {
  const { stage, leader, agents } = await aRunningAgent()
  leader.order(A1, aRun([aSleep('t-1', { PRETEND_MS: 'Infinity' })]))
  await stage.pass(500)
  await stage.clock.runFor(agents.stop())
  await stage.pass(100)
  t.deepEqual(leader.reports.at(-1), { kind: 'stopping', from: A1 })
  t.is(stage.machine.containers.size, 1)
})

test('emulated agents that are stopped leave for good', async (t) => {
  const stage = new Stage()
  const leader = await stage.leader()
  const agents = await stage.emulated({ count: 50 })
  leader.beat()
  await stage.pass(1_000)
  await stage.clock.runFor(agents.stop())
  await stage.pass(1_000)
  const left = leader.reports.filter(({ kind }) => kind === 'leaving').map(({ from }) => from)
  t.deepEqual(left, agents.agentIds)
})

test('records of many agents come back to whom they are of', async (t) => {
  const stage = new Stage()
  const leader = await stage.leader()
  const machines = ['a', 'b'].map((name) => ({ name, machine: new PretendMachine() }))
  const host = () =>
    stage.clock.runFor(
      hostAgents(stage.world, {
        machines: machines.map(
          ({ name, machine }): Machine => ({
            profile: aProfile({ agentId: name as AgentId }),
            openRuntime: (onEvent) =>
              Promise.resolve(pretendingRuntime({ machine, clock: stage.clock, onEvent })),
          }),
        ),
        openCheckpoint: () => stage.disk.open(),
        bootId: 'boot',
      }),
    )
  const agents = await host()
  leader.beat()
  await stage.pass(100)
  leader.order('a' as AgentId, aRun([aSleep('t-a', { PRETEND_MS: 'Infinity' })]))
  leader.order('b' as AgentId, aRun([aSleep('t-b', { PRETEND_MS: 'Infinity' })]))
  await stage.pass(100)
  await stage.clock.runFor(agents.stop())
  const again = await host()
  t.deepEqual(
    again.states.map(({ tasks }) => [...tasks.keys()]),
    [[launchOf('t-a')], [launchOf('t-b')]],
  )
})

for (const [what, text] of Object.entries({
  'no JSON': '\u0001',
  'JSON that is no list': '{}',
  'a record of no agent': '[[5]]',
  'no record': '[["a-1","task"]]',
  'a record of a kind that is not known': '[["a-1",["tusk"]]]',
})) {
  test(`a checkpoint is not read that holds ${what}`, async (t) => {
    const stage = new Stage()
    stage.disk.open().log.append([Buffer.from(text)], 'kernel')
    await t.throwsAsync(stage.agent(), { code: 'agent/unreadable-record' })
  })
}
