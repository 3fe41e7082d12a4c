/**
 * Whatever is said to a master, in whatever order: it does not throw, its books add up after every
 * input (the driver counts them), and what it says has shape and size.
 */
import test from 'ava'
import fc from 'fast-check'
import type { AgentId, SessionId, TaskId } from '../../../../protocol/ids.ts'
import type { ResourceList, TaskInfo, TaskStatus } from '../../../../protocol/schema/common.ts'
import type { HeldTask } from '../../../../protocol/schema/master.ts'
import { TASK_STATES } from '../../../../protocol/task-state.ts'
import {
  aHeldTask,
  aRegister,
  aStage,
  aTask,
  cpusMem,
  FakeAgent,
  FakeAllocator,
  FakeFramework,
  oldLaunch,
} from '../../../support/master-actors.ts'
import {
  aRecord,
  bits,
  eventsOf,
  MasterDriver,
  OTHER_MASTER,
  OTHER_RUN,
} from '../../../support/master-builders.ts'

/** A step: what is done, and numbers that say to whom, with what. */
type Step = readonly [what: number, x: number, y: number, z: number]

class World {
  readonly master = new MasterDriver()
  readonly agents = ['a1', 'a2', 'a3'].map((name) => new FakeAgent(this.master, name))
  readonly frameworks = ['f1', 'f2'].map((name) => new FakeFramework(this.master, name))
  readonly allocator = new FakeAllocator(this.master)
  /** Every offer that was ever made. */
  readonly offers: string[] = ['whatever']
}

const pick = <T>(from: readonly T[], n: number): T => from[n % from.length] as T

const RESOURCES: readonly ResourceList[] = [
  cpusMem(1, 128),
  cpusMem(0.1, 1),
  cpusMem(3, 3000),
  cpusMem(40, 1),
  [{ name: 'ports', ranges: [[1, 9]] }],
  [...cpusMem(1, 64), { name: 'ports', ranges: [[5, 7]] }],
  [{ name: 'cpus', set: ['0', '1'] }],
  [{ name: 'cpus', scalar: 2, role: 'a', reservations: [{ role: 'a' }] }],
  [{ name: 'cpus' }],
  [],
]
const TOTALS: readonly ResourceList[] = [
  cpusMem(4, 4096),
  [...cpusMem(4, 4096), { name: 'ports', ranges: [[1, 20]] }],
  [...cpusMem(8, 512), { name: 'cpus', scalar: 2, role: 'a', reservations: [{ role: 'a' }] }],
  [{ name: 'cpus', set: ['0', '1'] }],
  cpusMem(1, 64),
  [{ name: 'mem' }],
]
const ROLES = [['*'], ['a'], ['a', '*'], ['b', 'b'], ['a/x', 'b', '*']]
const taskId = (n: number): TaskId => `t${n % 6}` as TaskId

/** The launch that the leader knows of that task, or one that it does not. */
function launchOf({ master, frameworks }: World, x: number, z: number) {
  const { key } = pick(frameworks, x)
  const known = master.state.leader?.frameworks.get(`${key.principal}.${key.frameworkId}`)
  return (z % 4 > 0 ? known?.tasks.get(taskId(z))?.launch : undefined) ?? oldLaunch((z % 3) + 1)
}

function heldTasks(world: World, x: number, z: number): HeldTask[] {
  return Array.from({ length: z % 5 }, (_, i) => {
    const at = z + i * 7
    return aHeldTask(taskId(at), {
      ...pick(world.frameworks, x + i).key,
      launch: launchOf(world, x + i, at),
      resources: pick(RESOURCES, x + at) as ResourceList,
      role: pick(['*', 'a', 'a/x', 'c'], at),
      latest: pick(TASK_STATES, at),
      number: { incarnation: 1, count: at % 9 },
      ...(at % 11 === 0 && { settled: true }),
    })
  })
}

function aStatus(world: World, x: number, z: number): Partial<TaskStatus> & { taskId: TaskId } {
  return {
    taskId: taskId(z),
    launch: launchOf(world, x, z),
    number: { incarnation: 1 + (z % 2), count: z % 20 },
    ...(z % 3 === 0 && { latest: pick(TASK_STATES, x + z) }),
  }
}

function someTasks(x: number, z: number): TaskInfo[] {
  return Array.from({ length: z % 4 }, (_, i) =>
    aTask(taskId(z + i), {
      resources: pick(RESOURCES, x + i),
      ...((x + i) % 7 === 0 && { command: {} }),
    }),
  )
}

type Act = (world: World, x: number, y: number, z: number) => void

const ofAgents: readonly Act[] = [
  ({ agents }, x) => pick(agents, x).open(),
  (world, x, y, z) => {
    const info = { ...aRegister().info, resources: pick(TOTALS, y) as ResourceList }
    pick(world.agents, x).open({ info }, heldTasks(world, y, z))
  },
  ({ agents }, x, y) => pick(agents, x).open({ pages: y % 3 }),
  (world, x, y, z) => pick(world.agents, x).page((y % 3) + 1, true, heldTasks(world, y, z)),
  ({ agents }, x) => pick(agents, x).pong(),
  ({ agents }, x, y) => pick(agents, x).sayNumbered((y % 6) + 1, { kind: 'pong' }),
  ({ agents }, x, y) => {
    pick(agents, x).n += y % 2
    pick(agents, x).pong()
  },
  (world, x, y, z) => {
    const ref = {
      ...pick(world.frameworks, y).key,
      taskId: taskId(z),
      launch: launchOf(world, y, z),
    }
    pick(world.agents, x).say({ kind: 'settled', tasks: [ref] })
  },
  ({ agents, frameworks }, x, y) =>
    pick(agents, x).say({ kind: 'torn-down', ...pick(frameworks, y).key }),
  (world, x, y, z) => {
    const status = { ...aStatus(world, y, z), state: pick(TASK_STATES, x + y + z) }
    pick(world.agents, x).updateOf(pick(world.frameworks, y).key, status)
  },
  ({ agents }, x, y) => pick(agents, x).complain(y % 40),
  ({ agents }, x, y) => pick(agents, x).say({ kind: y % 3 === 0 ? 'leaving' : 'stopping' }),
]

const ofFrameworks: readonly Act[] = [
  ({ frameworks }, x, y, z) =>
    pick(frameworks, x).subscribe({
      roles: [...pick(ROLES, y)],
      suppressed: z % 3 === 0 ? ['a'] : [],
      failoverMs: (z % 4) * 5_000,
      ...(z % 9 === 0 && { secretHash: 'd'.repeat(64) }),
    }),
  ({ frameworks }, x) => pick(frameworks, x).pong(),
  ({ frameworks }, x) => {
    pick(frameworks, x).session = undefined
    pick(frameworks, x).pong()
  },
  ({ frameworks, offers }, x, y, z) => {
    const first = offers.length - 1 - (y % Math.min(offers.length, 5))
    const chosen = offers.slice(first, first + 1 + (z % 2))
    const call = z % 5 === 0 ? { call: bits<SessionId>(z) } : {}
    const tasks = someTasks(y, z)
    const operations = tasks.length === 0 ? [] : [{ kind: 'launch' as const, tasks }]
    pick(frameworks, x).call('accept', { offers: chosen, operations, ...call })
  },
  ({ frameworks, offers }, x, y, z) =>
    pick(frameworks, x).call('decline', { offers: [pick(offers, y)], refuseMs: z * 100 }),
  ({ frameworks }, x, y) =>
    pick(frameworks, x).call('revive', y % 2 === 0 ? {} : { roles: [...pick(ROLES, y)] }),
  ({ frameworks }, x, y) =>
    pick(frameworks, x).call('suppress', y % 2 === 0 ? {} : { roles: [...pick(ROLES, y)] }),
  ({ frameworks }, x, y, z) => pick(frameworks, x).call('kill', { taskId: taskId(z), graceMs: y }),
  ({ frameworks }, x, y, z) =>
    pick(frameworks, x).call('reconcile', {
      tasks: z % 2 === 0 ? [] : [{ taskId: taskId(z), agentId: `a${y % 5}` as AgentId }],
    }),
  ({ frameworks, master }, x, y) => {
    if (y % 4 === 0) pick(frameworks, x).call('teardown', {})
    else master.operate({ verb: pick(['agents', 'tasks', 'offers'] as const, y), body: {} })
  },
]

const ofOthers: readonly Act[] = [
  ({ allocator }) => allocator.open(),
  ({ allocator, frameworks }, x, y, z) =>
    allocator.allocate({
      ...pick(frameworks, x).key,
      role: pick(['*', 'a', 'b', 'a/x', 'c'], z),
      agentId: `a${(y % 4) + 1}` as AgentId,
      resources: pick(RESOURCES, y + z) as ResourceList,
    }),
  ({ allocator }, x) => {
    allocator.n += x % 2
    allocator.say({ kind: 'pong' })
  },
  ({ master }, x) => master.pass(x * 100),
  ({ master, agents, frameworks, allocator }) => {
    master.pass(1_000)
    for (const one of [...agents, ...frameworks]) one.pong()
    allocator.say({ kind: 'pong' })
  },
  ({ master }, x) => master.freeze(x * 40),
  ({ master }, x) => {
    master.isEchoing = x % 3 > 0
  },
  ({ master }, x) => {
    master.holding.add(x % 2 === 0 ? 'registry' : 'lease')
  },
  ({ master }, x) => master.release(pick(['done', 'lost', 'lost-but-done'] as const, x)),
  ({ master }, x) => {
    if (x % 4 === 0) master.setRecord(aRecord({ epoch: (master.record?.epoch ?? 0) + (x % 3) }))
    master.pass(500)
  },
  ({ master }, x, y) =>
    master.input({
      kind: 'peer-beat',
      masterId: OTHER_MASTER,
      body: {
        run: OTHER_RUN,
        role: x % 2 === 0 ? 'leader' : 'follower',
        highest: { epoch: y % 30, run: OTHER_RUN },
      },
    }),
  ({ master }, x, y) => {
    const epoch = master.record?.epoch ?? 0
    master.input(
      pick(
        [
          { kind: 'lease.conflict' },
          { kind: 'lease.unavailable', asked: 'read-lease' },
          { kind: 'lease.unavailable', asked: 'write-lease' },
          { kind: 'registry.conflict', epoch: epoch - (y % 2), n: y % 8 },
          { kind: 'registry.unavailable', epoch: epoch - (y % 2) },
          { kind: 'wake' },
          { kind: 'flush' },
        ] as const,
        x,
      ),
    )
  },
]

const ofOperators: readonly Act[] = [
  ({ master }, x, y, z) => {
    const guarantee = y % 3 === 0 ? { guarantee: { cpus: y % 5, mem: 64 * (y % 9) } } : {}
    const limit = z % 3 > 0 ? { limit: z % 2 === 0 ? { cpus: z % 6 } : { mem: z * 16 } } : {}
    const quotas = [{ role: pick(['*', 'a', 'b', 'a/x'], x), ...guarantee, ...limit }]
    master.operate({ verb: 'set-quotas', body: { quotas, ...(z % 4 > 0 && { force: true }) } })
  },
  ({ master }, x, y, z) => {
    const weights = [{ role: pick(['*', 'a', 'a/x'], x), weight: 1 + (y % 3) }]
    master.operate({ verb: 'set-weights', body: { weights } })
    if (z % 4 === 0) master.operate({ verb: 'roles', body: {} })
  },
]

/** Whoever has lost its session opens another; a new leader is there. */
const heal: Act = ({ master, agents, frameworks, allocator }) => {
  master.isEchoing = true
  master.release()
  master.pass(700)
  const { leader } = master.state
  for (const agent of agents) {
    const { state, session } = leader?.agents.get(agent.agentId) ?? {}
    if (state !== 'registered' || session?.id !== agent.session) agent.open()
  }
  for (const framework of frameworks) {
    const { principal, frameworkId } = framework.key
    const known = leader?.frameworks.get(`${principal}.${frameworkId}`)
    if (known?.session?.id !== framework.session || known?.state !== 'subscribed') {
      framework.subscribe({ roles: ['*', 'a'] })
    }
  }
  if (leader?.allocator?.session.id !== allocator.session) allocator.open()
}

/** An offer that fits, and a task that fits into it. */
const launch: Act = ({ agents, frameworks, allocator }, x, y, z) => {
  const framework = pick(frameworks, x)
  const resources = pick(RESOURCES, z % 6) as ResourceList
  const { agentId } = pick(agents, y)
  const { offer } = allocator.offer({
    ...framework.key,
    agentId,
    role: pick(['*', 'a'], z),
    resources,
  })
  if (offer === undefined || y % 4 === 0) return
  framework.accept([offer.offerId], aTask(taskId(x + z), { resources }))
}

/** A task that the leader knows gets a status. */
const report: Act = ({ master, agents }, x, _y, z) => {
  const known = [...(master.state.leader?.frameworks.values() ?? [])].flatMap((framework) => [
    ...framework.tasks.values(),
  ])
  if (known.length === 0) return
  const task = pick(known, x)
  const agent = agents.find(({ agentId }) => agentId === task.agentId)
  const { taskId, launch, framework } = task
  const count = (task.number?.count ?? 0) + (z % 3)
  const number = { incarnation: 1, count }
  agent?.updateOf(framework, { taskId, launch, number, state: pick(TASK_STATES.slice(1, 9), z) })
}

const ACTS: readonly Act[] = [
  ...ofAgents,
  ...ofFrameworks,
  ...ofOthers,
  ...ofOperators,
  // What makes life is done more often than what ends it.
  ...Array.from({ length: 9 }, () => [heal, launch, launch, report]).flat(),
]

function play(steps: readonly Step[]): World {
  const world = new World()
  world.master.pass(1_000)
  for (const one of [...world.frameworks, ...world.agents]) {
    if (one instanceof FakeFramework) one.subscribe()
    else one.open()
  }
  world.allocator.open()
  for (const [what, x, y, z] of steps) {
    const from = world.master.effects.length
    pick(ACTS, what)(world, x, y, z)
    const said = world.master.effects.slice(from)
    for (const { key } of world.frameworks) {
      for (const { offers } of eventsOf(said, 'offers', key)) {
        world.offers.push(...offers.map(({ offerId }) => offerId))
      }
    }
  }
  return world
}

const byte = fc.nat(255)
const steps = fc.array(fc.tuple(byte, byte, byte, byte), {
  minLength: 20,
  maxLength: 80,
  size: 'max',
})

test('whatever is said, nothing is thrown and the books add up after every input', (t) => {
  let launched = 0
  let lost = 0
  let offers = 0
  fc.assert(
    fc.property(steps, (played) => {
      const { master } = play(played)
      launched += master.counter('tasks-launched')
      lost += master.counter('lead-lost')
      offers += master.counter('offers-made')
    }),
    { numRuns: 100 },
  )
  // It was not all refused: the runs together have lived.
  t.true(launched > 50, `${launched} launched`)
  t.true(lost > 25, `${lost} leads lost`)
  t.true(offers > 100, `${offers} offers`)
  t.log(`${launched} launched, ${lost} leads lost, ${offers} offers`)
})

test('the same inputs give the same effects', (t) => {
  const played = fc.sample(steps, { numRuns: 5, seed: 7 })
  for (const one of played) t.deepEqual(sessionless(play(one)), sessionless(play(one)))
})

/** Sessions of frameworks are counted over all worlds. */
function sessionless({ master }: World): string {
  return JSON.stringify(master.effects).replaceAll(/"session":"[0-9a-f]{16}"/g, '')
}

test('when faults stop, the master leads again and everybody is back', (t) => {
  fc.assert(
    fc.property(steps, (played) => {
      const { master, agents, frameworks, allocator } = play(played)
      master.isEchoing = true
      master.release()
      master.pass(10_000)
      for (const agent of agents) agent.open()
      for (const framework of frameworks) framework.subscribe()
      allocator.open()
      return master.isLeading && agents.every((a) => master.agent(a.agentId).state === 'registered')
    }),
    { numRuns: 30 },
  )
  t.pass()
})

test('a port that two tasks hold is free when both have ended', (t) => {
  const { master, agent } = aStage()
  const ports: ResourceList = [{ name: 'ports', ranges: [[80, 80]] }]
  const tasks = ['t1', 't2'].map((id, i) =>
    aHeldTask(id, { resources: ports, launch: oldLaunch(i + 1) }),
  )
  agent.open({ info: { ...aRegister().info, resources: ports } }, tasks)
  agent.update('t1', 'TASK_FINISHED')
  t.is(master.agent('a1').free.size, 0)
  agent.update('t2', 'TASK_FINISHED')
  t.is(master.agent('a1').free.size, 1)
})

test('of an agent that holds far more than it has, each task is looked at a few times only', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open()
  const { tasks } = master.agent('a1')
  let looks = 0
  const all = tasks[Symbol.iterator].bind(tasks)
  tasks[Symbol.iterator] = () => {
    looks += 1
    return all()
  }
  const held = Array.from({ length: 200 }, (_, i) =>
    aHeldTask(`t${i}`, { launch: oldLaunch(i + 1) }),
  )
  agent.open({ incarnation: 2 }, held)
  t.is(tasks.size, 200)
  t.true(master.agent('a1').isOverdrawn)
  t.is(master.agent('a1').free.size, 0)
  t.true(looks < 10, `${looks} times`)
})
