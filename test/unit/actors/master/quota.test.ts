/** Quotas: what is checked when they are set, what they take back, and limits at offers. */
import test from 'ava'
import { agentsAwaited } from '../../../../actors/master/roles/recovery.ts'
import type { AgentId } from '../../../../protocol/ids.ts'
import { REREGISTER_MS } from '../../../../protocol/limits.ts'
import type { RoleQuota } from '../../../../protocol/schema/common.ts'
import {
  aStage,
  aTask,
  cpusMem,
  FakeAgent,
  FakeAllocator,
  FakeFramework,
  live,
  type Stage,
} from '../../../support/master-actors.ts'
import {
  type Answer,
  aBatch,
  aFramework,
  effectsOf,
  eventsOf,
  figuresOf,
  MasterDriver,
} from '../../../support/master-builders.ts'

const setQuotas = (
  { master }: Pick<Stage, 'master'>,
  quotas: readonly RoleQuota[],
  force?: true,
): Answer =>
  master.operate({
    verb: 'set-quotas',
    body: { quotas: [...quotas], ...(force === undefined ? {} : { force }) },
  })

const DONE = { ok: {} }

const refused = (name: string, message: string) => ({ refused: { name, message } })

/** One agent of 4 cpus and 4096 MiB; f1 in team/batch and f2 in other. */
function aSharedStage(): Stage & { readonly other: FakeFramework } {
  const stage = aStage()
  stage.framework.subscribe({ roles: ['team/batch'] })
  const other = new FakeFramework(stage.master, 'f2')
  other.subscribe({ roles: ['other'] })
  return { ...stage, other }
}

const OTHER = { ...aFramework('f2'), role: 'other' }
const TEAM = { role: 'team/batch' }

test('a quota is written, told to the allocator and to the world', (t) => {
  const stage = aStage()
  const quota = { role: 'team', guarantee: { cpus: 2, mem: 0 }, limit: { cpus: 3.5 } }
  t.deepEqual(setQuotas(stage, [quota]), DONE)
  t.deepEqual(stage.master.records.at(-1), { kind: 'quotas', quotas: [quota] })
  const terms = { role: 'team', guarantee: { cpus: 2 }, limit: { cpus: 3.5 } }
  t.deepEqual(figuresOf(stage.master.effects).at(-1), { kind: 'role', weight: 1, ...terms })
  const said = effectsOf(stage.master.effects, 'send-public').at(-1)
  t.deepEqual(said?.subject, { kind: 'role', what: 'quota-set' })
  t.like(said?.body.events[0], { principal: 'local', ...terms })
})

test('what contradicts itself is refused, and says where', (t) => {
  const stage = aStage()
  const limit = { cpus: 1, mem: 64 }
  t.like(
    setQuotas(stage, [{ role: 'a' }, { role: 'team/batch', limit }]),
    refused(
      'invalid',
      'quotas.1.role: team/batch is below team, and only roles at the top of the tree have a quota',
    ),
  )
  t.like(
    setQuotas(stage, [{ role: 'a', guarantee: { cpus: 1.5, disk: 9 }, limit }]),
    refused('invalid', 'quotas.0.guarantee: a is guaranteed cpus 1.5, and its limit is cpus 1'),
  )
  t.like(
    setQuotas(stage, [{ role: 'a' }, { role: 'a' }]),
    refused('invalid', 'quotas.1.role: a stands there twice'),
  )
  t.deepEqual(setQuotas(stage, [{ role: '*', limit }]), DONE)
})

test('guarantees above what all agents have are refused unless forced', (t) => {
  const stage = aStage()
  t.deepEqual(setQuotas(stage, [{ role: 'a', guarantee: { cpus: 3 } }]), DONE)
  const more = [{ role: 'b', guarantee: { cpus: 1.5 } }]
  t.like(
    setQuotas(stage, [{ role: 'c', limit: { cpus: 1 } }, ...more]),
    refused(
      'conflict',
      'guarantees of all roles would come to cpus 4.5, and all agents together have cpus 4 unreserved; force sets them all the same',
    ),
  )
  t.false(stage.master.leader.roles.terms.has('c'))
  t.deepEqual(setQuotas(stage, more, true), DONE)
  // What asks for no more than before is no matter of capacity.
  t.deepEqual(setQuotas(stage, [{ role: 'a', guarantee: { cpus: 2.9 } }]), DONE)
  t.deepEqual(setQuotas(stage, [{ role: 'b' }]), DONE)
})

test('agents that do not answer just now count, lost ones do not', (t) => {
  const stage = aStage()
  const guarantee = { cpus: 4 }
  stage.agent.n += 1
  stage.agent.pong()
  t.is(stage.master.agent('a1').state, 'silent')
  t.deepEqual(setQuotas(stage, [{ role: 'a', guarantee }]), DONE)
  const master = new MasterDriver().leading()
  t.like(setQuotas({ master }, [{ role: 'a', guarantee }]), { refused: { name: 'conflict' } })
})

test('a limit below what tasks have is refused unless forced, and kills nothing', (t) => {
  const stage = aSharedStage()
  stage.allocator.offer({ ...TEAM, resources: cpusMem(2, 64) })
  stage.framework.accept(stage.framework.offers, aTask('t1', { resources: { cpus: 2, mem: 64 } }))
  const quota = { role: 'team', limit: { cpus: 1 } }
  t.like(
    setQuotas(stage, [quota]),
    refused(
      'conflict',
      'quotas.0.limit: tasks of team have cpus 2, more than cpus 1; force sets it all the same',
    ),
  )
  t.deepEqual(setQuotas(stage, [quota], true), DONE)
  t.is(stage.master.task('t1')?.state, 'TASK_STAGING')
  t.deepEqual(setQuotas(stage, [{ role: 'team', limit: { cpus: 1.5 } }]), DONE)
})

test('a role has no more offered to it than its limit, its children included', (t) => {
  const stage = aSharedStage()
  const { allocator, framework } = stage
  setQuotas(stage, [{ role: 'team', limit: { cpus: 2 } }])
  t.is(allocator.offer({ ...TEAM, resources: cpusMem(2.001, 64) }).outcome, 'refused')
  t.is(allocator.offer({ ...TEAM, resources: cpusMem(1.5, 64) }).outcome, 'made')
  t.is(allocator.offer({ ...TEAM, resources: cpusMem(1, 64) }).outcome, 'refused')
  // Of names that do not stand in it there is no limit, nor for other roles.
  t.is(allocator.offer({ ...TEAM, resources: [{ name: 'mem', scalar: 512 }] }).outcome, 'made')
  t.is(allocator.offer({ ...OTHER, resources: cpusMem(2.5, 64) }).outcome, 'made')
  framework.call('decline', { offers: framework.offers.slice(0, 1), refuseMs: 0 })
  t.is(allocator.offer({ ...TEAM, resources: cpusMem(1, 64) }).outcome, 'made')
})

test('what a role has when it gets a limit counts from the start', (t) => {
  const stage = aSharedStage()
  stage.allocator.offer({ ...TEAM, resources: cpusMem(1, 64) })
  setQuotas(stage, [{ role: 'team', limit: { cpus: 2 } }])
  t.is(stage.allocator.offer({ ...TEAM, resources: cpusMem(1.5, 64) }).outcome, 'refused')
  t.is(stage.allocator.offer({ ...TEAM, resources: cpusMem(1, 64) }).outcome, 'made')
  setQuotas(stage, [{ role: 'team' }])
  t.is(stage.allocator.offer({ ...TEAM, resources: cpusMem(2, 64) }).outcome, 'made')
})

test('tasks that agents bring count for the limit under a new leader', (t) => {
  const before = aSharedStage()
  setQuotas(before, [{ role: 'team', limit: { cpus: 2 } }])
  before.allocator.offer({ ...TEAM, resources: cpusMem(2, 64) })
  before.framework.accept(before.framework.offers, aTask('t1', { resources: { cpus: 2, mem: 64 } }))
  const { launch } = before.master.task('t1') ?? {}
  t.truthy(launch)
  const master = before.master.successor()
  const role = 'team/batch'
  const held = { ...aFramework(), taskId: 't1' as never, launch: launch as never, role }
  new FakeAgent(master).open({}, [
    {
      ...held,
      resources: cpusMem(2, 64),
      latest: 'TASK_RUNNING',
      number: { incarnation: 1, count: 1 },
    },
  ])
  t.deepEqual(
    master.leader.roles.limited.get('team'),
    new Map([
      ['cpus', 2000],
      ['mem', 64_000],
    ]),
  )
})

test('a limit takes back offers of its own role until it holds, the newest first', (t) => {
  const stage = aSharedStage()
  const { master, allocator, framework, other } = stage
  for (let i = 0; i < 3; i++) allocator.offer({ ...TEAM, resources: cpusMem(1, 64) })
  allocator.offer({ ...OTHER, resources: cpusMem(1, 64) })
  const [oldest = '', second = '', newest = ''] = framework.offers
  setQuotas(stage, [{ role: 'team', limit: { cpus: 2 } }])
  t.deepEqual(framework.offers, [oldest, second])
  t.deepEqual(eventsOf(master.effects, 'rescind'), [
    { kind: 'rescind', offers: [newest], reason: 'quota' },
  ])
  t.is(other.offers.length, 1)
  t.like(master.framework().roles.get('team/batch'), { isDeclinedLast: false, offers: 2 })
  t.is(master.framework().roles.get('team/batch')?.filters.size, 0)
})

test('a guarantee takes back offers of others until what is free covers it', (t) => {
  const stage = aSharedStage()
  const { allocator, other } = stage
  for (let i = 0; i < 3; i++) allocator.offer({ ...OTHER, resources: cpusMem(1, 64) })
  // One is free.
  setQuotas(stage, [{ role: 'team', guarantee: { cpus: 1 } }])
  t.is(other.offers.length, 3)
  setQuotas(stage, [{ role: 'team', guarantee: { cpus: 2.5 } }])
  t.is(other.offers.length, 1)
})

test('a guarantee takes nothing from a role that has no more than its own', (t) => {
  const stage = aSharedStage()
  const { allocator, framework, other } = stage
  setQuotas(stage, [{ role: 'other', guarantee: { cpus: 2 } }])
  for (let i = 0; i < 4; i++) allocator.offer({ ...OTHER, resources: cpusMem(1, 64) })
  setQuotas(stage, [{ role: 'team', guarantee: { cpus: 4 } }], true)
  t.is(other.offers.length, 2)
  t.is(framework.offers.length, 0)
})

test('offers that bring nothing of what is lacking stay', (t) => {
  const stage = aSharedStage()
  const { allocator, other } = stage
  allocator.offer({ ...OTHER, resources: cpusMem(3, 64) })
  allocator.offer({ ...OTHER, resources: [{ name: 'mem', scalar: 1000 }] })
  setQuotas(stage, [{ role: 'team', guarantee: { cpus: 2 } }])
  t.is(other.offers.length, 1)
})

test('what tasks of an ended framework still hold counts for its role', (t) => {
  const stage = aSharedStage()
  const { allocator, framework, master } = stage
  setQuotas(stage, [{ role: 'team', limit: { cpus: 2 } }])
  allocator.offer({ ...TEAM, resources: cpusMem(2, 64) })
  framework.accept(framework.offers, aTask('t1', { resources: { cpus: 2, mem: 64 } }))
  const from = master.effects.length
  framework.call('teardown', {})
  t.is(master.framework().state, 'ended')
  t.like(
    figuresOf(master.effects.slice(from)).find(({ kind }) => kind === 'member'),
    { suppressed: true, allocated: cpusMem(2, 64) },
  )
})

/** A new leader that knows five agents and a quota of `terms`, with an allocator. */
function aTakeover(terms: object): { readonly master: MasterDriver; readonly kinds: () => string } {
  const master = new MasterDriver()
  const agents = ['a1', 'a2', 'a3', 'a4', 'a5'].map((id) => id as AgentId)
  master.log.push(
    aBatch(1, 1, ...agents.map((agentId) => ({ kind: 'agent-admitted', agentId }) as const)),
    aBatch(1, 2, { kind: 'quotas', quotas: [{ role: 'team', ...terms }] }),
  )
  master.leading()
  new FakeAllocator(master).open()
  const kinds = (): string =>
    figuresOf(master.effects)
      .map(({ kind }) => kind)
      .filter((kind) => kind === 'complete' || kind === 'agent')
      .join(' ')
  return { master, kinds }
}

/** What the allocator was told last of the role. */
const limitTold = ({ effects }: MasterDriver): unknown =>
  figuresOf(effects).findLast((figure) => figure.kind === 'role' && figure.role === 'team')

test('a role with a limit gets nothing until four of five known agents are back', (t) => {
  const { master, kinds } = aTakeover({ limit: { cpus: 4 } })
  t.is(kinds(), 'complete')
  t.like(limitTold(master), { limit: { cpus: 0 } })
  for (const id of ['a1', 'a2', 'a3']) new FakeAgent(master, id).open()
  t.is(agentsAwaited(master.leader), 1)
  t.like(limitTold(master), { limit: { cpus: 0 } })
  new FakeAgent(master, 'a4').open()
  t.is(agentsAwaited(master.leader), 0)
  t.like(limitTold(master), { limit: { cpus: 4 } })
})

test('meanwhile everybody else is offered what is back, and a guarantee holds nobody up', (t) => {
  const { master } = aTakeover({ limit: { cpus: 4 } })
  new FakeAgent(master, 'a1').open()
  const [team, other] = [new FakeFramework(master, 'f1'), new FakeFramework(master, 'f2')]
  team.subscribe({ roles: ['team'] })
  other.subscribe()
  const allocator = new FakeAllocator(master)
  allocator.open()
  t.is(allocator.offer({ role: 'team' }).outcome, 'refused')
  t.is(allocator.offer(aFramework('f2')).outcome, 'made')
  const guaranteed = aTakeover({ guarantee: { cpus: 4 } })
  t.is(guaranteed.kinds(), 'complete')
  t.like(limitTold(guaranteed.master), { guarantee: { cpus: 4 }, limit: {} })
})

test('a limit counts when it was waited as long as for the return of agents', (t) => {
  const { master } = aTakeover({ limit: { cpus: 4 } })
  const allocator = new FakeAllocator(master)
  allocator.open()
  live({ master, allocator }, REREGISTER_MS - 3_000)
  t.like(limitTold(master), { limit: { cpus: 0 } })
  live({ master, allocator }, 4_000)
  t.like(limitTold(master), { limit: { cpus: 4 } })
})

test('an agent that is given up is not waited for', (t) => {
  const { master } = aTakeover({ limit: { cpus: 4 } })
  for (const id of ['a1', 'a2', 'a3']) new FakeAgent(master, id).open()
  master.operate({ verb: 'mark-gone', body: { agentId: 'a4' as AgentId } })
  t.like(limitTold(master), { limit: { cpus: 4 } })
})

test('a limit that is set while agents are still to come back waits for them, too', (t) => {
  const { master } = aTakeover({ guarantee: { cpus: 1 } })
  setQuotas({ master }, [{ role: 'team', limit: { cpus: 2 } }])
  t.like(limitTold(master), { limit: { cpus: 0 } })
  for (const id of ['a1', 'a2', 'a3', 'a4']) new FakeAgent(master, id).open()
  t.like(limitTold(master), { limit: { cpus: 2 } })
})

test('whatever operators say, no offer is taken back twice, and nothing piles up', (t) => {
  const stage = aSharedStage()
  const { master, allocator } = stage
  allocator.offer({ ...OTHER, resources: cpusMem(1, 64) })
  master.holding.add('registry')
  const weights = (weight: number) => ({ weights: [{ role: 'other', weight }] })
  for (const weight of [2, 3]) master.operate({ verb: 'set-weights', body: weights(weight) })
  master.release()
  t.is(eventsOf(master.effects, 'rescind', aFramework('f2')).length, 1)
  t.is(master.leader.roles.takingBack.size, 0)
})

test('names that objects have anyway are names like others', (t) => {
  const stage = aStage()
  const limit = { constructor: 1, toString: 2 } as unknown as Record<string, number>
  t.deepEqual(setQuotas(stage, [{ role: 'team', limit }]), DONE)
  t.like(
    setQuotas(stage, [{ role: 'team', guarantee: { valueOf: 1 } as never }]),
    refused(
      'conflict',
      'guarantees of all roles would come to valueOf 1, and all agents together have valueOf 0 unreserved; force sets them all the same',
    ),
  )
})
