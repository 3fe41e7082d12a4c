/** What frameworks want of their offers: checked, kept, told to the allocator. */
import test from 'ava'
import type { HashedSubscribe } from '../../../../actors/master/frameworks/subscribing.ts'
import { isSameValue } from '../../../../actors/parts/same-value.ts'
import { MIN_ALLOCATABLE, TERMS_BYTES_MAX } from '../../../../protocol/limits.ts'
import type { AllocatorFigure } from '../../../../protocol/schema/allocator.ts'
import type { Constraint } from '../../../../protocol/schema/common.ts'
import { FakeAllocator, FakeFramework } from '../../../support/master-actors.ts'
import {
  aFramework,
  figuresOf,
  MasterDriver,
  OTHER_RUN,
  RULES,
} from '../../../support/master-builders.ts'

const RACK: Constraint = { attribute: 'rack', equals: 'r1' }
const TERMS = {
  capabilities: ['GPU_RESOURCES'],
  constraints: { web: [[RACK]] },
  minAllocatable: { batch: [] },
} satisfies Partial<HashedSubscribe>
const ROLES = { roles: ['web', 'batch'] }

const termsOf = (figures: readonly AllocatorFigure[]) =>
  figures.flatMap((figure) => (figure.kind === 'member-terms' ? [figure] : []))

function subscribed(more: Partial<HashedSubscribe>) {
  const master = new MasterDriver().leading()
  const allocator = new FakeAllocator(master)
  allocator.open()
  const framework = new FakeFramework(master)
  const from = master.effects.length
  const answer = framework.subscribe(more)
  return { master, allocator, framework, answer, figures: figuresOf(master.effects.slice(from)) }
}

const EVERYTHING = [
  {
    kind: 'member-terms' as const,
    ...aFramework(),
    role: 'web',
    capabilities: ['GPU_RESOURCES' as const],
    constraints: [[RACK]],
  },
  {
    kind: 'member-terms' as const,
    ...aFramework(),
    role: 'batch',
    capabilities: ['GPU_RESOURCES' as const],
    minAllocatable: [],
  },
]

test('the allocator hears what a framework wants for each of its roles, before the member', (t) => {
  const { figures } = subscribed({ ...ROLES, ...TERMS })
  t.deepEqual(termsOf(figures), EVERYTHING)
  const kinds = figures.flatMap((figure) =>
    'role' in figure && 'kind' in figure ? [`${figure.kind} ${figure.role}`] : [],
  )
  t.deepEqual(kinds, ['member-terms web', 'member web', 'member-terms batch', 'member batch'])
})

test('of many members each is told, with what it wants before it', (t) => {
  const { master, allocator } = subscribed({})
  const many = Array.from({ length: 60 }, (_, i) => `r${i}`)
  for (let f = 0; f < 20; f++) new FakeFramework(master, `many-${f}`).subscribe({ roles: many })
  const told = figuresOf(allocator.open()).flatMap((figure) =>
    figure.kind === 'member' || figure.kind === 'member-terms'
      ? [`${figure.kind} ${figure.frameworkId} ${figure.role}`]
      : [],
  )
  t.is(told.length, 2 * (20 * 60 + 1))
  t.is(new Set(told).size, told.length)
  for (const [i, member] of told.entries()) {
    if (i % 2 === 1) t.is(told[i - 1], member.replace('member', 'member-terms'))
  }
})

test('who wants nothing of its offers says so once', (t) => {
  const { master, framework, figures } = subscribed({})
  t.deepEqual(termsOf(figures), [{ kind: 'member-terms', ...aFramework(), role: '*' }])
  const from = master.effects.length
  framework.call('suppress', {})
  framework.call('revive', {})
  t.deepEqual(termsOf(figuresOf(master.effects.slice(from))), [])
})

test('a new allocator is told again, and shadows too', (t) => {
  const { master, allocator } = subscribed({ ...ROLES, ...TERMS })
  t.deepEqual(termsOf(figuresOf(allocator.open())), EVERYTHING)
  const shadow = { reports: [{ kind: 'shadow' as const }] }
  const effects = master.input({ kind: 'allocator-reports', body: shadow })
  t.deepEqual(termsOf(figuresOf(effects)), EVERYTHING)
})

test('each subscription says everything anew', (t) => {
  const { master, framework } = subscribed({ ...ROLES, ...TERMS })
  const from = master.effects.length
  framework.subscribe({ ...ROLES, minAllocatable: { web: [{ cpus: 2 }] } })
  t.deepEqual(termsOf(figuresOf(master.effects.slice(from))), [
    { kind: 'member-terms', ...aFramework(), role: 'web', minAllocatable: [{ cpus: 2 }] },
    { kind: 'member-terms', ...aFramework(), role: 'batch' },
  ])
})

test('what it wants is in the registry, and nothing where it wants nothing', (t) => {
  const { master, framework } = subscribed({ ...ROLES, ...TERMS })
  t.like(master.records.at(-1), { kind: 'framework', ...ROLES, ...TERMS })
  const count = master.records.length
  framework.subscribe({ ...ROLES, ...TERMS })
  t.is(master.records.length, count, 'the same again is written once')
  framework.subscribe({ ...ROLES, capabilities: [], constraints: { web: [] } })
  const record = master.records.at(-1) ?? {}
  t.is(master.records.length, count + 1)
  for (const field of ['capabilities', 'constraints', 'minAllocatable']) t.false(field in record)
})

test('the next leader knows it, and welcomes the framework back with it', (t) => {
  const { master } = subscribed({ ...ROLES, ...TERMS })
  const next = new MasterDriver({ run: OTHER_RUN })
  for (const batch of master.log) next.log.push({ ...batch, epoch: 0 })
  next.leading()
  const allocator = new FakeAllocator(next)
  t.deepEqual(termsOf(figuresOf(allocator.open())), EVERYTHING)
  const count = next.records.length
  new FakeFramework(next).pong()
  t.is(next.framework().state, 'subscribed')
  t.deepEqual(next.framework().terms, TERMS)
  t.is(next.records.length, count, 'nothing has changed')
})

const WRONG: Readonly<Record<string, readonly [Partial<HashedSubscribe>, string]>> = {
  'a role that it does not subscribe to': [
    { minAllocatable: { shop: [] } },
    'minAllocatable.shop: shop is none of the roles that it subscribes to',
  ],
  'constraints of such a role': [
    { constraints: { shop: [[RACK]] } },
    'constraints.shop: shop is none of the roles that it subscribes to',
  ],
  'such a role suppressed': [
    { suppressed: ['web', 'shop'] },
    'suppressed.1: shop is none of the roles that it subscribes to',
  ],
  'a wrong expression': [
    { constraints: { web: [[RACK, { attribute: 'rack', matches: '(' }]] } },
    'constraints.web.0.1.matches is no regular expression: missing closing ): `(`',
  ],
  'no operator': [
    { constraints: { batch: [[{ attribute: 'rack' }]] } },
    'constraints.batch.0.0 must have exactly one of exists, equals, notEquals, matches, notMatches; it has none',
  ],
}

for (const [what, [wrong, message]] of Object.entries(WRONG)) {
  test(`${what} is refused by its place, and nothing else of the call counts`, (t) => {
    const { master, answer } = subscribed({ ...ROLES, ...wrong })
    t.deepEqual(answer, { refused: { code: 400, name: 'invalid', message } })
    t.is(master.leader.frameworks.size, 0)
    t.false(master.records.some(({ kind }) => kind === 'framework'))
  })
}

test('more than travels in one figure is refused as too large', (t) => {
  const constraint = { attribute: 'rack', equals: 'x'.repeat(1_000) }
  const group = Array.from({ length: 16 }, () => constraint)
  const constraints = { web: [group], batch: [group, group.slice(8)] }
  const { answer } = subscribed({ ...ROLES, constraints })
  t.like(answer, { refused: { code: 413, name: 'too-large' } })
  t.regex(JSON.stringify(answer), new RegExp(`more than ${TERMS_BYTES_MAX} bytes`))
})

/** Of these, one takes as long to compile as an expression may. */
const heavy = (nth: number): Constraint[][] => [
  [{ attribute: 'rack', matches: `a{140}b{140}${nth}` }],
]
/** Found to be too large when it has been compiled. */
const TOO_LARGE: Constraint = { attribute: 'rack', matches: 'abcdefgh'.repeat(30) + 'a{70}' }

test('nobody keeps a leader busy with expressions, neither good ones nor bad', (t) => {
  for (const constraints of [heavy, () => [[TOO_LARGE]]]) {
    const { master, framework } = subscribed({ roles: ['web'] })
    const update = (nth: number) =>
      framework.call('update', { constraints: { web: constraints(nth) } })
    const names = Array.from({ length: 400 }, (_, nth) => {
      const answer = update(nth)
      return answer !== undefined && 'refused' in answer ? answer.refused.name : 'done'
    })
    const judged = names.indexOf('too-many')
    t.true(judged > 50 && judged < 300, `${judged} were judged`)
    t.deepEqual([...new Set(names.slice(judged))], ['too-many'])
    // What is as it was is not judged again, and others have their own.
    t.deepEqual(framework.call('update', { name: 'new' }), { ok: {} })
    t.deepEqual(framework.call('update', { constraints: {} }), { ok: {} })
    const another = new FakeFramework(master, 'f1', 'another')
    t.deepEqual(another.subscribe({ roles: ['web'], constraints: { web: heavy(1) } }), { ok: {} })
    master.nowMs += 1_000
    t.deepEqual(framework.call('update', { constraints: { web: heavy(1) } }), { ok: {} })
  }
})

test('a role may have the name of what every map has', (t) => {
  const { figures } = subscribed({
    roles: ['constructor', 'web'],
    constraints: { web: [[RACK]] },
    minAllocatable: { web: [] },
  })
  t.deepEqual(termsOf(figures)[0], { kind: 'member-terms', ...aFramework(), role: 'constructor' })
})

test('an allocator is told the rules of the cluster', (t) => {
  const opened = (master: MasterDriver) =>
    figuresOf(new FakeAllocator(master).open()).find(({ kind }) => kind === 'opened')
  const plain = opened(new MasterDriver().leading())
  t.like(plain, { minAllocatable: MIN_ALLOCATABLE })
  t.false('region' in (plain ?? {}))
  const rules = { ...RULES, minAllocatable: [{ mem: 64 }], region: 'eu' }
  const master = new MasterDriver({ rules }).leading()
  t.like(opened(master), { minAllocatable: [{ mem: 64 }], region: 'eu' })
})

test('values are the same whatever the order of their fields', (t) => {
  t.true(isSameValue({ a: [1, { b: 2, c: 'x' }] }, { a: [1, { c: 'x', b: 2 }] }))
  t.true(isSameValue({ a: undefined }, {}))
  t.false(isSameValue([1, 2], [2, 1]))
  t.false(isSameValue([], {}))
  t.false(isSameValue({ a: 1 }, { a: 1, b: 2 }))
  t.false(isSameValue({ toString: 1 }, {}))
  t.false(isSameValue(null, {}))
})
