/** Epochs fence: who is told of a higher leader takes a higher epoch, or follows. */
import test from 'ava'
import type { AgentId, RunId } from '../../../../protocol/ids.ts'
import { EPOCH_JUMP_MAX, LEASE_MS } from '../../../../protocol/limits.ts'
import {
  aHeldTask,
  aRegister,
  aStage,
  FakeAgent,
  FakeFramework,
  live,
} from '../../../support/master-actors.ts'
import {
  aBatch,
  aRecord,
  effectsOf,
  MasterDriver,
  OTHER_MASTER,
  OTHER_RUN,
  RUN,
} from '../../../support/master-builders.ts'

const HIGHER = { epoch: 7, run: OTHER_RUN }

const aBeat = (epoch: number, run: RunId) =>
  ({
    kind: 'leader-beat',
    connection: 'agents',
    body: { epoch, run, master: OTHER_MASTER, version: { min: 1, max: 1 } },
  }) as const

test('a complaint of an admitted agent makes a leader take a higher epoch', (t) => {
  const { master, agent } = aStage()
  agent.complain(7)
  t.true(master.isLeading)
  t.is(master.leader.epoch, 8)
  t.is(master.record?.epoch, 8)
  t.is(master.diskEpoch, 8)
})

test('another run of the same epoch is higher, too: one of the two must go', (t) => {
  const { master, agent } = aStage()
  agent.complain(1, OTHER_RUN)
  t.is(master.leader.epoch, 2)
})

test('a complaint about what it said in an earlier epoch of its own changes nothing', (t) => {
  const { master, agent } = aStage()
  agent.complain(1, RUN)
  agent.complain(0, OTHER_RUN)
  t.is(master.leader.epoch, 1)
  t.is(master.counter('lead-lost'), 0)
})

test('who has lost the lease meanwhile follows instead', (t) => {
  const { master, agent } = aStage()
  master.setRecord(aRecord({ epoch: 7 }))
  agent.complain(7)
  t.is(master.state.leader, undefined)
  t.is(master.state.lease.state, 'following')
})

test('the complaint of a stranger raises nothing', (t) => {
  const master = new MasterDriver()
  const a1 = 'a1' as AgentId
  master.log.push(aBatch(4, 1, { kind: 'epoch' }, { kind: 'agent-admitted', agentId: a1 }))
  t.is(master.leading().leader.epoch, 5)
  new FakeAgent(master, 'stranger').complain(7)
  const opening = new FakeAgent(master, 'a2')
  opening.open({ pages: 1 })
  opening.complain(7)
  t.is(master.leader.epoch, 5)
})

test('agents that outlived all masters and the store raise the epoch of who begins from nothing', (t) => {
  const master = new MasterDriver().leading()
  const survivor = new FakeAgent(master)
  survivor.complain(57)
  t.is(master.leader.epoch, 58)
  survivor.open({ highest: { epoch: 58, run: RUN } }, [aHeldTask('t1')])
  t.is(master.agent('a1').state, 'registered')
  t.is(master.task('t1')?.state, 'TASK_RUNNING')
})

test('they do so also when a new agent came first, and nobody does after the next takeover', (t) => {
  const master = new MasterDriver().leading()
  const fresh = new FakeAgent(master, 'a2')
  fresh.open()
  t.is(master.agent('a2').state, 'registered')
  new FakeAgent(master).complain(57)
  t.is(master.leader.epoch, 58)
  live({ master, agent: fresh }, LEASE_MS)
  new FakeAgent(master, 'stranger').complain(70)
  t.is(master.leader.epoch, 58)
})

test('the complaint of an agent that was unreachable counts', (t) => {
  const { master, agent, framework } = aStage()
  live({ master, framework }, 25_000)
  t.is(master.agent('a1').state, 'unreachable')
  agent.complain(7)
  t.is(master.leader.epoch, 8)
})

test('the complaint of a framework or of the allocator raises nothing', (t) => {
  const { master, framework, allocator } = aStage()
  const complaint = { highest: HIGHER, refused: { epoch: 1, run: RUN } }
  master.input({
    kind: 'framework-call',
    framework: framework.key,
    call: { verb: 'complain', body: complaint },
    reply: undefined,
  })
  allocator.say({ kind: 'complaint', ...complaint })
  t.is(master.leader.epoch, 1)
})

test('an admitted agent that registers and knows a higher leader counts as a complaint', (t) => {
  const { master, agent } = aStage()
  const effects = agent.open({ highest: HIGHER })
  t.is(master.leader.epoch, 8)
  t.false(
    effectsOf(effects, 'send-orders').some(({ body }) => body.epoch === 1),
    'nothing is said in the epoch that was left',
  )
})

test('an agent that registers and knows this leader or an older one is no complaint', (t) => {
  const { master, agent } = aStage()
  agent.open({ highest: { epoch: 1, run: RUN } })
  agent.open({ highest: { epoch: 0, run: OTHER_RUN } })
  t.is(master.leader.epoch, 1)
  t.is(master.agent('a1').state, 'registered')
})

test('an epoch is raised once in a lease’s time', (t) => {
  const { master, agent } = aStage()
  agent.complain(7)
  agent.open()
  agent.complain(20)
  t.is(master.leader.epoch, 8)
  live({ master, agent }, LEASE_MS)
  agent.complain(20)
  t.is(master.leader.epoch, 21)
})

test('an absurdly high epoch is not believed', (t) => {
  const { master, agent } = aStage()
  agent.complain(2 ** 40)
  t.is(master.leader.epoch, 1)
  t.is(master.counter('epoch-jumps-refused'), 1)
})

test('a master that does not lead hears of every leader, to be above it when it leads', (t) => {
  const master = new MasterDriver()
  master.setRecord(aRecord({ epoch: 4 }))
  master.pass(100)
  master.input({ ...aBeat(9, OTHER_RUN), connection: 'control' })
  t.is(master.state.highestEpoch, 9)
  t.is(master.state.leader, undefined)
})

test('beats that climb too fast to follow are followed, so that agents who obey them are not lost', (t) => {
  const { master, agent } = aStage()
  const top = 3 * EPOCH_JUMP_MAX
  for (const epoch of [1, 2, 3].map((i) => i * EPOCH_JUMP_MAX))
    master.input(aBeat(epoch, OTHER_RUN))
  t.is(master.leader.epoch, EPOCH_JUMP_MAX + 1)
  agent.open()
  live({ master, agent }, LEASE_MS)
  agent.complain(top)
  t.is(master.leader.epoch, top + 1)
})

test('whose beat was absurd is topped all the same when a believable one comes', (t) => {
  const { master } = aStage()
  master.input(aBeat(2 ** 40, OTHER_RUN))
  t.is(master.leader.epoch, 1)
  master.input(aBeat(5, OTHER_RUN))
  t.is(master.leader.epoch, 6)
})

test('a lease that no master can have written is overwritten', (t) => {
  const master = new MasterDriver({ highestEpoch: 5 })
  master.setRecord(aRecord({ epoch: 2 ** 52 }))
  master.leading()
  t.is(master.leader.epoch, 6)
  t.true(master.counter('epoch-jumps-refused') > 0)
})

test('a leader whose lease is overwritten with rubbish takes it again', (t) => {
  const { master, agent } = aStage()
  master.setRecord(aRecord({ epoch: 2 ** 52 }))
  live({ master, agent }, LEASE_MS)
  t.true(master.isLeading)
  t.is(master.record?.epoch, master.leader.epoch)
  t.true(master.leader.epoch < 10)
})

test('what no leader can have written to the registry is passed over', (t) => {
  const { master, agent } = aStage()
  const absurd = { ...aBatch(2 ** 52, 1, { kind: 'epoch' }), run: OTHER_RUN }
  master.log.push(absurd)
  new FakeAgent(master, 'a2').open()
  t.is(master.leader.epoch, 1)
  t.is(master.agent('a2').state, 'registered')
  agent.complain(7)
  t.is(master.leader.epoch, 8)
  t.deepEqual([...master.leader.agents.keys()].sort(), ['a1', 'a2'])
})

test('the beat of a higher leader ends the lead or raises the epoch', (t) => {
  const { master } = aStage()
  master.input(aBeat(7, OTHER_RUN))
  t.is(master.leader.epoch, 8)
})

test('the beat of a lower leader changes nothing', (t) => {
  const { master } = aStage()
  master.input(aBeat(0, OTHER_RUN))
  t.is(master.leader.epoch, 1)
})

test('in a new epoch everything is asked again: nothing of the old one is left', (t) => {
  const { master, agent, framework, allocator } = aStage()
  allocator.offer()
  agent.complain(7)
  t.is(master.leader.offers.size, 0)
  t.is(master.leader.allocator, undefined)
  t.is(master.agent('a1').state, 'recovering')
  t.is(master.framework().state, 'recovered')
  t.like(framework.pong(), { refused: { name: 'not-subscribed' } })
})

test('messages of a leader carry its epoch and run', (t) => {
  const { master, agent, framework, allocator } = aStage()
  agent.complain(7)
  const from = master.effects.length
  agent.open()
  framework.subscribe()
  allocator.open()
  const bodies = master.effects.slice(from).flatMap((effect) => {
    const isSaid = ['send-orders', 'send-events', 'send-figures', 'send-public'].includes(effect.do)
    return isSaid && 'body' in effect ? [effect.body] : []
  })
  t.true(bodies.length > 3)
  for (const body of bodies) t.like(body, { epoch: 8, run: RUN })
})

test('a follower hears nobody but its peers', (t) => {
  const master = new MasterDriver()
  master.setRecord(aRecord())
  master.pass(100)
  const framework = new FakeFramework(master)
  t.is(framework.subscribe(), undefined)
  const agent = new FakeAgent(master)
  t.deepEqual(agent.say(aRegister()), [])
})

const warnings = (master: MasterDriver) =>
  effectsOf(master.effects, 'log').flatMap(({ level, fields }) =>
    level === 'warn' ? [fields] : [],
  )

test('an agent that claims an absurd epoch is not heard any more, and an operator sees it', (t) => {
  const { master, agent } = aStage()
  agent.complain(2 ** 40)
  agent.complain(2 ** 41)
  agent.complain(7)
  agent.open({ highest: HIGHER })
  t.is(master.leader.epoch, 1)
  t.is(master.counter('epoch-jumps-refused'), 1)
  t.is(master.counter('epoch-claims-unheard'), 3)
  t.deepEqual(warnings(master), [{ epoch: 2 ** 40, highest: 1, claimant: 'agent a1' }])
  t.like(master.operate({ verb: 'master', body: {} }), { ok: { quarantined: ['agent a1'] } })
  t.is(master.agent('a1').state, 'registered')
})

test('the others are heard meanwhile, and it itself after ten minutes', (t) => {
  const { master, agent } = aStage()
  const other = new FakeAgent(master, 'a2')
  other.open()
  agent.complain(2 ** 40)
  other.complain(7)
  t.is(master.leader.epoch, 8)
  agent.open()
  live({ master, agent }, 600_000)
  agent.complain(20)
  t.is(master.leader.epoch, 21)
})

test('a master that claims an absurd epoch is not heard any more', (t) => {
  const master = new MasterDriver().leading()
  const claim = (epoch: number): void => {
    const highest = { epoch, run: OTHER_RUN }
    const body = { run: OTHER_RUN, role: 'follower', highest } as const
    master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body })
  }
  claim(2 ** 40)
  claim(9)
  t.is(master.state.highestEpoch, 1)
  t.like(warnings(master), [{ claimant: 'master m2' }])
})

test('one agent that raises epochs again and again is heard ever more seldom', (t) => {
  const { master, agent } = aStage()
  let raised = 0
  for (let s = 0; s < 60; s++) {
    if (master.agent('a1').state !== 'registered') agent.open()
    const { epoch } = master.leader
    agent.complain(epoch + 5)
    if (master.leader.epoch > epoch) raised += 1
    master.pass(1_000)
  }
  t.is(raised, 5)
})

test('an epoch of which an agent tells too soon is not taken note of', (t) => {
  const { master, agent } = aStage()
  const other = new FakeAgent(master, 'a2')
  other.open()
  agent.complain(7)
  other.complain(1_000)
  t.is(master.state.highestEpoch, 8)
})
