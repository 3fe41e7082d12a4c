/** A leader of many agents: what it does at once is bounded, and so is what pings cost. */
import test from 'ava'
import { AGENT_PINGS_MISSED_MAX, AGENT_PINGS_PER_S_MAX } from '../../../../protocol/limits.ts'
import {
  aHeldTask,
  anAllocation,
  cpusMem,
  FakeAgent,
  FakeAllocator,
  FakeFramework,
  oldLaunch,
} from '../../../support/master-actors.ts'
import {
  effectsOf,
  figuresOf,
  MasterDriver,
  ordersOf,
  RULES,
} from '../../../support/master-builders.ts'

/** More than one turn tells of. */
const MANY = 1_100
/** More than are pinged in PING_MS. */
const COUNT = 400
const PING_MS = 250
const SECOND_MS = 1_000

function aCrowd(count = COUNT): {
  readonly master: MasterDriver
  readonly agents: readonly FakeAgent[]
} {
  const master = new MasterDriver({ rules: { ...RULES, agentPingMs: PING_MS } }).leading()
  const agents = Array.from({ length: count }, (_, i) => new FakeAgent(master, `a${i + 1}`))
  for (const agent of agents) agent.open()
  master.isEchoing = true
  return { master, agents }
}

test('an allocator is told of many agents in slices, of each once, and of the end last', (t) => {
  const { master } = aCrowd(MANY)
  const effects = new FakeAllocator(master).open()
  const figures = figuresOf(effects)
  const told = figures.flatMap((figure) => (figure.kind === 'agent' ? [figure.agentId] : []))
  t.is(told.length, MANY)
  t.is(new Set(told).size, MANY)
  const others = figures.map(({ kind }) => kind).filter((kind) => !kind.startsWith('agent'))
  t.deepEqual(others, ['opened', 'complete'])
  t.is(figures.at(-1)?.kind, 'complete')
  t.true(effectsOf(effects, 'send-figures').length > 1)
})

test('an answer comes after the figure of its agent, and does not wait for those of others', (t) => {
  const { master, agents } = aCrowd(MANY)
  new FakeFramework(master).subscribe()
  const allocator = new FakeAllocator(master)
  allocator.open()
  const allocations = agents.map(({ agentId }, i) => anAllocation({ agentId, allocation: i + 1 }))
  const figures = figuresOf(allocator.say({ kind: 'allocate', allocations }))
  const told = figures.flatMap((figure) => (figure.kind === 'agent' ? [figure.agentId] : []))
  const answers = figures.flatMap((figure, at) =>
    figure.kind === 'answered' ? [{ at, count: figure.answers.length }] : [],
  )
  t.is(told.length, MANY)
  // One of the figures of the first turn is the role's.
  t.deepEqual(
    answers.map(({ count }) => count),
    [999, MANY - 999],
  )
  t.is(figures.slice(0, answers[0]?.at).filter(({ kind }) => kind === 'agent').length, 999)
})

test('what was given stands in the figure of its member that says it was heard, before answers', (t) => {
  const { master, agents } = aCrowd(MANY)
  new FakeFramework(master).subscribe()
  const allocator = new FakeAllocator(master)
  allocator.open()
  const resources = cpusMem(1, 64)
  const allocations = agents.map(({ agentId }, i) =>
    anAllocation({ agentId, allocation: i + 1, resources }),
  )
  const effects = allocator.say({ kind: 'allocate', allocations })
  const messages = effectsOf(effects, 'send-figures').map(({ body }) => body)
  const [first] = messages
  t.is(first?.heard, allocator.n)
  const members = first?.figures.flatMap((one) => (one.kind === 'member' ? [one.allocated] : []))
  t.deepEqual(members, [cpusMem(MANY, 64 * MANY)])
  t.false(first?.figures.some(({ kind }) => kind === 'answered'))
})

test('many agents are pinged so often in all, and each hears when it is asked again', (t) => {
  const { master, agents } = aCrowd()
  const seconds = 4
  const from = master.effects.length
  for (let ms = 0; ms < seconds * SECOND_MS; ms += PING_MS) {
    master.pass(PING_MS)
    for (const agent of agents) agent.pong()
  }
  const effects = master.effects.slice(from)
  const pings = agents.flatMap(({ agentId }) => ordersOf(effects, agentId, 'ping'))
  t.true(pings.length <= COUNT + seconds * AGENT_PINGS_PER_S_MAX, `${pings.length} pings`)
  t.true(pings.some(({ nextMs = 0 }) => nextMs > PING_MS))
  t.true(agents.every(({ agentId }) => master.agent(agentId).state === 'registered'))
})

test('of many agents, the one that does not answer is asked as often as of a few', (t) => {
  const { master, agents } = aCrowd()
  const [silent, ...others] = agents as [FakeAgent, ...FakeAgent[]]
  // Its turn, and as many pings as may be missed; a round of all takes less than a second.
  const secondsMax = 1 + Math.ceil(((AGENT_PINGS_MISSED_MAX + 1) * PING_MS) / SECOND_MS)
  for (let ms = 0; ms < secondsMax * SECOND_MS; ms += PING_MS) {
    master.pass(PING_MS)
    for (const agent of others) agent.pong()
  }
  t.is(master.agent(silent.agentId).state, 'unreachable')
  t.true(others.every(({ agentId }) => master.agent(agentId).state === 'registered'))
})

test('one batch admits agents with so many tasks, and the next the others', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('registry')
  const from = effectsOf(master.effects, 'append-registry').length
  for (const id of ['a1', 'a2', 'a3', 'a4']) {
    const tasks = Array.from({ length: 4_000 }, (_, i) =>
      aHeldTask(`${id}-${i}`, { launch: oldLaunch(i), resources: cpusMem(0.001, 0.1) }),
    )
    new FakeAgent(master, id).open({ pages: 1 }, tasks)
  }
  master.holding.delete('registry')
  master.release()
  const batches = effectsOf(master.effects, 'append-registry').slice(from)
  t.deepEqual(
    batches.map(({ batch }) => batch.records.length),
    [1, 2, 1],
  )
  t.is(master.agent('a4').state, 'registered')
})
