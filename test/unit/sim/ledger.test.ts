/** What the simulator takes for the end of a task, and for two. */
import test from 'ava'
import type { AgentId, FrameworkKey, Launch, TaskId } from '../../../protocol/ids.ts'
import type { TaskStatus } from '../../../protocol/schema/common.ts'
import type { TaskState } from '../../../protocol/task-state.ts'
import type { Awake } from '../../sim/awake.ts'
import { LeaderCheck } from '../../sim/leader-check.ts'
import { Ledger } from '../../sim/ledger.ts'
import type { Step } from '../../sim/watch.ts'
import type { World } from '../../sim/world.ts'

const framework = { principal: 'local', frameworkId: 'f1' } as FrameworkKey
const [agentId, taskId, launch] = ['a1', 't1', '1-ab-1'] as [AgentId, TaskId, Launch]

class Told {
  readonly failed: string[] = []
  readonly ledger = new Ledger(
    ({ what }) => void this.failed.push(what),
    () => false,
  )

  constructor() {
    this.ledger.started(agentId, { framework, taskId, launch })
  }

  ends(state: TaskState): void {
    this.ledger.ended({ framework, taskId, launch, agentId }, state)
  }

  /** To a process of the framework that was told nothing before. */
  tells(name: string, state: TaskState): void {
    const audience = { name, isInstance: false, told: new Map() }
    this.ledger.told(audience, framework, { taskId, state, launch } as TaskStatus)
  }
}

test('a later process is told the end that an earlier one was told', (t) => {
  const told = new Told()
  told.ends('TASK_FINISHED')
  told.tells('f1.1', 'TASK_FINISHED')
  told.tells('f1.2', 'TASK_FINISHED')
  t.deepEqual(told.failed, [])
  told.tells('f1.3', 'TASK_FAILED')
  t.is(told.failed.length, 1)
})

test('an end that was lost with the power of its machine may be told later than that', (t) => {
  const told = new Told()
  told.ends('TASK_FINISHED')
  told.ledger.forgotten(agentId)
  told.tells('f1.1', 'TASK_FINISHED')
  told.ends('TASK_FAILED')
  told.tells('f1.2', 'TASK_FAILED')
  t.deepEqual(told.failed, [])
  told.tells('f1.3', 'TASK_KILLED')
  t.is(told.failed.length, 1)
})

test('what was ordered goes down with its framework, though it ends at an agent later', (t) => {
  const [early, late] = ['t2', 't3'] as [TaskId, TaskId]
  const { ledger } = new Told()
  const check = new LeaderCheck({ ledger } as World, {} as Awake)
  const sees = (...effects: readonly object[]): void =>
    check.step({ state: {}, effects } as unknown as Step, true)
  const run = (id: TaskId): object => ({
    do: 'send-orders',
    body: { orders: [{ kind: 'run', ...framework, tasks: [{ launch, task: { taskId: id } }] }] },
  })
  sees(run(early))
  sees({ do: 'append-registry', batch: { records: [{ kind: 'framework-ended', ...framework }] } })
  sees(run(late))
  for (const id of [early, late])
    ledger.ended({ framework, taskId: id, launch, agentId }, 'TASK_DROPPED')
  const { tasks } = ledger.framework(framework)
  t.true(tasks.get(early)?.isDropped)
  t.false(tasks.get(late)?.isDropped, 'of a framework that has come back')
})
