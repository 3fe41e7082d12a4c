/** Weights and the tree of roles: set by operators, written first, told to the allocator. */
import test from 'ava'
import { ROLES_KEPT_MAX } from '../../../../protocol/limits.ts'
import type { RoleItem } from '../../../../protocol/schema/operator.ts'
import {
  anAllocation,
  aRegister,
  aStage,
  cpusMem,
  FakeFramework,
  type Stage,
} from '../../../support/master-actors.ts'
import {
  aBatch,
  aFramework,
  effectsOf,
  eventsOf,
  figuresOf,
  MasterDriver,
} from '../../../support/master-builders.ts'

const setWeights = ({ master }: Pick<Stage, 'master'>, weights: Readonly<Record<string, number>>) =>
  master.operate({
    verb: 'set-weights',
    body: { weights: Object.entries(weights).map(([role, weight]) => ({ role, weight })) },
  })

function roles({ master }: Pick<Stage, 'master'>, prefix?: string): readonly RoleItem[] {
  const body = prefix === undefined ? {} : { prefix }
  const answer = master.operate({ verb: 'roles', body })
  return answer !== undefined && 'ok' in answer
    ? (answer.ok as { readonly items: readonly RoleItem[] }).items
    : []
}

test('a weight is answered when the registry has it, and not before', (t) => {
  const stage = aStage()
  stage.master.holding.add('registry')
  t.is(setWeights(stage, { team: 2 }), undefined)
  t.deepEqual(roles(stage, 'team'), [])
  const effects = stage.master.release()
  t.is(effectsOf(effects, 'answer').length, 1)
  t.like(roles(stage, 'team'), [{ role: 'team', weight: 2 }])
  t.deepEqual(stage.master.records.at(-1), {
    kind: 'weights',
    weights: [{ role: 'team', weight: 2 }],
  })
})

test('the allocator is told of a role with other than the default terms, and when they are back', (t) => {
  const stage = aStage()
  setWeights(stage, { team: 2 })
  const role = { kind: 'role' as const, role: 'team', guarantee: {}, limit: {} }
  const told = () => figuresOf(stage.master.effects).filter(({ kind }) => kind === 'role')
  t.deepEqual(told(), [{ ...role, weight: 2 }])
  setWeights(stage, { team: 1 })
  t.deepEqual(told().at(-1), { ...role, weight: 1 })
  t.deepEqual(roles(stage, 'team'), [])
})

test('whoever opens a session is told of roles before agents and members', (t) => {
  const stage = aStage()
  setWeights(stage, { team: 2, 'team/batch': 3 })
  const kinds = figuresOf(stage.allocator.open()).map(({ kind }) => kind)
  t.deepEqual(kinds.slice(0, 4), ['closed', 'opened', 'role', 'role'])
  t.is(kinds.lastIndexOf('role'), 3)
})

test('a new leader recalls what was set, the last word of each role', (t) => {
  const master = new MasterDriver()
  master.log.push(
    aBatch(
      1,
      1,
      { kind: 'weights', weights: [{ role: 'a', weight: 2 }] },
      {
        kind: 'quotas',
        quotas: [
          { role: 'a', limit: { cpus: 4 } },
          { role: 'b', limit: {} },
        ],
      },
      { kind: 'weights', weights: [{ role: 'a', weight: 5 }] },
    ),
  )
  master.leading()
  t.like(roles({ master }), [{ role: 'a', weight: 5, guarantee: {}, limit: { cpus: 4 } }])
  t.is(roles({ master }).length, 1)
})

test('all weights of a call are set, or none', (t) => {
  const stage = aStage()
  const twice = [
    { role: 'a', weight: 2 },
    { role: 'b', weight: 2 },
    { role: 'a', weight: 3 },
  ]
  t.like(stage.master.operate({ verb: 'set-weights', body: { weights: twice } }), {
    refused: { name: 'invalid', message: 'weights.2.role: a stands there twice' },
  })
  t.deepEqual(
    roles(stage).map(({ role }) => role),
    ['*'],
  )
})

test('offers of all are taken back when weights change: no decline, and no filter', (t) => {
  const stage = aStage()
  const { master, framework, allocator } = stage
  allocator.offer()
  const [offerId = ''] = framework.offers
  const from = master.effects.length
  setWeights(stage, { '*': 2 })
  const effects = master.effects.slice(from)
  t.deepEqual(eventsOf(effects, 'rescind'), [
    { kind: 'rescind', offers: [offerId], reason: 'weights' },
  ])
  const figures = figuresOf(effects)
  t.deepEqual(
    figures.map(({ kind }) => kind),
    ['role', 'member', 'agent'],
  )
  t.like(figures[1], { allocated: [], declinedLast: false, offers: 0 })
  t.like(figures[2], { free: cpusMem(4, 4096) })
  t.is(allocator.offer().outcome, 'made')
  t.like(framework.accept([offerId]), { ok: {} })
})

test('a weight that nobody feels, or that is set already, takes nothing back', (t) => {
  const stage = aStage()
  stage.allocator.offer()
  const written = stage.master.records.length
  setWeights(stage, { '*': 1 })
  t.is(stage.master.records.length, written)
  setWeights(stage, { nobody: 2 })
  t.is(stage.framework.offers.length, 1)
})

test('the weight of an inner role concerns the members below it', (t) => {
  const stage = aStage()
  stage.framework.subscribe({ roles: ['org/team/batch'] })
  stage.allocator.offer({ role: 'org/team/batch' })
  setWeights(stage, { 'org/team': 2 })
  t.is(stage.framework.offers.length, 0)
})

test('one change of roles after the other is written, and too many do not wait', (t) => {
  const stage = aStage()
  stage.master.holding.add('registry')
  const answers = Array.from({ length: 17 }, (_, i) => setWeights(stage, { team: i + 2 }))
  t.like(answers.at(-1), { refused: { name: 'too-many' } })
  t.is(answers.filter((answer) => answer !== undefined).length, 1)
  const effects = stage.master.release()
  t.is(effectsOf(effects, 'answer').length, 16)
  t.like(roles(stage, 'team'), [{ weight: 17 }])
})

test('roles are listed with those above them, and what their subtrees have', (t) => {
  const stage = aStage()
  const { master, framework, allocator } = stage
  const other = new FakeFramework(master, 'f2')
  framework.subscribe({ roles: ['org/a'] })
  other.subscribe({ roles: ['org/b', 'org', '*'] })
  allocator.offer({ role: 'org/a', resources: cpusMem(1, 128) })
  framework.accept(framework.offers, {
    taskId: 't1' as never,
    resources: { cpus: 1, mem: 128 },
    command: { argv: ['true'] },
  })
  allocator.offer({ ...aFramework('f2'), role: 'org/b', resources: cpusMem(2, 64) })
  const none = { weight: 1, guarantee: {}, limit: {}, used: {}, offered: {} }
  t.deepEqual(roles(stage), [
    { ...none, role: '*', frameworks: 1 },
    {
      ...none,
      role: 'org',
      frameworks: 2,
      used: { cpus: 1, mem: 128 },
      offered: { cpus: 2, mem: 64 },
    },
    { ...none, role: 'org/a', frameworks: 1, used: { cpus: 1, mem: 128 } },
    { ...none, role: 'org/b', frameworks: 1, offered: { cpus: 2, mem: 64 } },
  ])
  t.deepEqual(
    roles(stage, 'org/').map(({ role }) => role),
    ['org/a', 'org/b'],
  )
})

test('the world hears who has set what', (t) => {
  const { master } = aStage()
  const body = { weights: [{ role: 'team', weight: 2 }] }
  master.operate({ verb: 'set-weights', body }, 'olga' as never)
  const said = effectsOf(master.effects, 'send-public').at(-1)
  t.deepEqual(said?.subject, { kind: 'role', what: 'weight-set' })
  t.like(said?.body.events[0], { principal: 'olga', role: 'team', weight: 2 })
})

test('very many offers are taken back a thousand in a turn', (t) => {
  const stage = aStage({ info: { ...aRegister().info, resources: cpusMem(2_500, 2_500) } })
  const allocations = Array.from({ length: 2_500 }, (_, i) =>
    anAllocation({ allocation: i + 1, resources: cpusMem(1, 1) }),
  )
  stage.allocator.say({ kind: 'allocate', allocations })
  t.is(stage.framework.offers.length, 2_500)
  const from = stage.master.effects.length
  setWeights(stage, { '*': 2 })
  t.is(stage.framework.offers.length, 0)
  const agents = figuresOf(stage.master.effects.slice(from)).filter(({ kind }) => kind === 'agent')
  t.deepEqual(
    agents.map((figure) => figure.kind === 'agent' && figure.free),
    [1_000, 2_000, 2_500].map((free) => cpusMem(free, free)),
  )
})

test('so many roles have terms of their own, and no more', (t) => {
  const stage = aStage()
  const name = (i: number): string => `role-${i}`
  const call = (first: number, weight: number) =>
    setWeights(
      stage,
      Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [name(first + i), weight])),
    )
  for (let first = 0; first < ROLES_KEPT_MAX; first += 1_000)
    t.deepEqual(call(first, 2), { ok: {} })
  t.like(setWeights(stage, { one: 2 }), { refused: { name: 'conflict' } })
  t.deepEqual(call(0, 3), { ok: {} })
  t.deepEqual(call(0, 1), { ok: {} })
  t.deepEqual(setWeights(stage, { one: 2 }), { ok: {} })
})
