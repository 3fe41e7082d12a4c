/** Why somebody gets nothing: each reason, in words, and what a question costs. */
import test from 'ava'
import { allocatorCore } from '../../../../actors/allocator/core.ts'
import type { AllocatorFigure } from '../../../../protocol/schema/allocator.ts'
import type { Attribute, Constraints } from '../../../../protocol/schema/common.ts'
import type { Explained } from '../../../../protocol/schema/explain.ts'
import {
  aFilter,
  allocationsOf,
  aMember,
  anAgent,
  answered,
  cpusMem,
  framework,
  Harness,
  idOf,
  pairs,
  type Said,
} from './harness.ts'

let questions = 0

type Ask =
  | { readonly member: string; readonly role?: string }
  | { readonly agent: string }
  | { readonly role: string }

function figureOf(asked: Ask): AllocatorFigure & { question: number } {
  questions += 1
  const question = questions
  if ('agent' in asked) return { kind: 'ask-agent', question, agentId: idOf(asked.agent) }
  if (!('member' in asked)) return { kind: 'ask-role', question, role: asked.role }
  const { member, role = '*' } = asked
  return { kind: 'ask-member', question, ...framework(member), role }
}

/** What is answered, when all has been allocated. */
function explained(harness: Harness, asked: Ask): Explained {
  const figure = figureOf(asked)
  harness.say(figure)
  const answers = harness.turn().filter((report) => report.kind === 'explained')
  return answers.find(({ question }) => question === figure.question) as Explained
}

const withTerms = (name: string, terms: object, role = '*'): Said => [
  { kind: 'member-terms', ...framework(name), ...terms, role },
  aMember(name, { role }),
]

const wants = (...constraints: Constraints[number]): object => ({ constraints: [constraints] })

const rack = (text: string): Attribute => ({ name: 'rack', text })

/** One agent and one member: the reason, and what is said of it. */
function only(t: { is: (a: unknown, b: unknown) => void }, answer: Explained) {
  const [reason] = Object.keys(answer.counts ?? {})
  t.is(answer.unanswered, undefined)
  t.is(answer.examples?.length, 1)
  const { reason: own, detail, forMs } = answer.examples?.[0] ?? {}
  t.is(own, reason)
  return { reason, ...(detail !== undefined && { detail }), ...(forMs !== undefined && { forMs }) }
}

const FULL = { allocated: cpusMem(2, 64) }

test('a member that wants nothing, or has enough to answer, is told that', (t) => {
  const harness = new Harness().allocating(
    anAgent('a1'),
    aMember('f1', { suppressed: true }),
    aMember('f2', { offers: 1_000 }),
  )
  t.deepEqual(only(t, explained(harness, { member: 'f1' })), { reason: 'suppressed' })
  t.deepEqual(only(t, explained(harness, { member: 'f2' })), {
    reason: 'full',
    detail: '1000 offers',
  })
})

test('of an agent without anything free that is said', (t) => {
  const harness = new Harness().allocating(anAgent('a1', { free: [] }), aMember('f1'))
  t.deepEqual(only(t, explained(harness, { member: 'f1' })), { reason: 'none-free' })
})

test('of too little free, how much is there and how much would do', (t) => {
  const harness = new Harness().allocating(
    anAgent('a1', { free: cpusMem(0.005, 10) }),
    aMember('f1'),
  )
  t.deepEqual(only(t, explained(harness, { member: 'f1' })), {
    reason: 'too-small',
    detail: 'has cpus 0.005, mem 10, takes no less than cpus 0.01, or mem 32',
  })
  const picky = new Harness().allocating(
    anAgent('a1'),
    withTerms('f1', { minAllocatable: [{ cpus: 8, mem: 1 }] }),
  )
  t.deepEqual(only(t, explained(picky, { member: 'f1' })), {
    reason: 'too-small',
    detail: 'has cpus 4, mem 4096, takes no less than cpus 8 and mem 1',
  })
  const rendering = new Harness().allocating(
    anAgent('a1'),
    withTerms('f1', { minAllocatable: [{ gpus: 1 }] }),
  )
  t.is(
    only(t, explained(rendering, { member: 'f1' })).detail,
    'has no gpus, takes no less than gpus 1',
  )
})

test('of what is being offered, to whom; it comes next to whom it is', (t) => {
  const harness = new Harness().allocating(anAgent('a1'), aMember('f1'), aMember('f2'))
  const [first, second] = pairs(allocationsOf(harness.turn())).includes('f1:a1')
    ? ['f1', 'f2']
    : ['f2', 'f1']
  t.deepEqual(only(t, explained(harness, { member: second as string })), {
    reason: 'others-first',
    detail: `for ${first} in role *`,
  })
  t.deepEqual(only(t, explained(harness, { member: first as string })), { reason: 'next' })
})

test('of an agent with GPUs or of another region, what would have to be said', (t) => {
  const gpus = [...cpusMem(4, 4096), { name: 'gpus', scalar: 2 }]
  const harness = new Harness().opening()
  harness.say({
    kind: 'opened',
    version: 1,
    pingMs: 3_600_000,
    pingsMissedMax: 3,
    minAllocatable: [],
    region: 'here',
  })
  harness.say(
    anAgent('a1', { total: gpus }),
    anAgent('a2', { attributes: [{ name: 'region', text: 'there' }] }),
    aMember('f1'),
    { kind: 'complete' },
  )
  const { counts, examples } = explained(harness, { member: 'f1' })
  t.deepEqual(counts, { gpus: 1, region: 1 })
  t.like(examples, [
    { agentId: 'a1', reason: 'gpus' },
    { agentId: 'a2', reason: 'region', detail: 'is in there, the cluster in here' },
  ])
})

test('of constraints, what was wanted and what the agent has', (t) => {
  const detail = (terms: object, ...attributes: readonly Attribute[]): string | undefined => {
    const agent = anAgent('a1', { attributes: [...attributes] })
    const harness = new Harness().allocating(agent, withTerms('f1', terms))
    const one = only(t, explained(harness, { member: 'f1' }))
    t.is(one.reason, 'constraints')
    return one.detail
  }
  t.is(
    detail(wants({ attribute: 'rack', equals: 'r1' }), rack('r7')),
    'wants rack = r1, has rack = r7',
  )
  t.is(detail(wants({ attribute: 'rack', equals: 'r1' })), 'wants rack = r1, has none')
  t.is(
    detail(wants({ attribute: 'rack', exists: false }), rack('r7')),
    'wants no rack, has rack = r7',
  )
  t.is(detail(wants({ attribute: 'ssd', exists: true })), 'wants ssd, has none')
  t.is(
    detail(
      wants({ attribute: 'rack', exists: true }, { attribute: 'rack', notEquals: 'r7' }),
      rack('r7'),
    ),
    'wants rack other than r7, has rack = r7',
  )
  t.is(
    detail(wants({ attribute: 'hostname', matches: 'web.*' })),
    'wants hostname like web.*, has hostname = a1',
  )
  t.is(
    detail(wants({ attribute: 'cores', notMatches: '4|8' }), { name: 'cores', scalar: 8 }),
    'wants cores unlike 4|8, has cores = 8',
  )
})

test('of what strangers wrote only so much is said', (t) => {
  const long = 'x'.repeat(1_000)
  const harness = new Harness().allocating(
    anAgent('a1', { attributes: Array.from({ length: 30 }, () => rack(long)) }),
    withTerms('f1', wants({ attribute: 'rack', equals: 'y'.repeat(1_000) })),
  )
  const { detail } = only(t, explained(harness, { member: 'f1' }))
  t.is(detail?.length, 256)
  t.regex(detail ?? '', /^wants rack = y{39}…, has rack = x{39}…, x{39}…/)
})

test('of a limit, which role has reached it', (t) => {
  const harness = new Harness().allocating(
    { kind: 'role', role: 'batch', weight: 1, guarantee: {}, limit: { cpus: 2 } },
    anAgent('a1', { total: cpusMem(4, 4096), free: cpusMem(2, 4032) }),
    aMember('f1', { role: 'batch/night', ...FULL }),
  )
  const answer = explained(harness, { member: 'f1', role: 'batch/night' })
  t.deepEqual(only(t, answer), {
    reason: 'limit',
    detail: 'role batch has 2 of its limit of 2 cpus',
  })
  t.like(answer.standings, [
    { role: 'batch', share: 0.5, weight: 1, place: 1, limit: { cpus: 2 }, consumed: { cpus: 2 } },
    { role: 'batch/night', share: 0.5, limit: {}, consumed: {} },
  ])
})

test('of what is kept for guarantees, how much and for whom', (t) => {
  const harness = new Harness().allocating(
    { kind: 'role', role: 'prod', weight: 1, guarantee: { cpus: 6 }, limit: {} },
    anAgent('a1', { free: cpusMem(4, 4096) }),
    aMember('f1'),
  )
  t.deepEqual(only(t, explained(harness, { member: 'f1' })), {
    reason: 'headroom',
    detail: '4 of 4 cpus free in the cluster kept for guarantees of prod',
  })
})

test('of what was declined of a part, which quota left no more', (t) => {
  const declined = (role: string, ...quotas: readonly AllocatorFigure[]) => {
    const filter = {
      ...aFilter('f1', 'a1', [{ resources: cpusMem(0.2, 4096), forMs: 5_000 }]),
      role,
    }
    const harness = new Harness().allocating(quotas, anAgent('a1'), aMember('f1', { role }), filter)
    return explained(harness, { member: 'f1', role }).examples?.[0]
  }
  const batch = { kind: 'role' as const, role: 'batch', weight: 1, guarantee: {} }
  t.like(declined('batch', { ...batch, limit: { cpus: 0.2 } }), {
    reason: 'filtered',
    detail: 'it is offered cpus 0.2 of 4: role batch has 0 of its limit of 0.2 cpus',
    cutBy: 'limit',
    forMs: 5_000,
  })
  const prod = {
    kind: 'role' as const,
    role: 'prod',
    weight: 1,
    guarantee: { cpus: 3.8 },
    limit: {},
  }
  t.like(declined('batch', prod), {
    reason: 'filtered',
    detail: 'it is offered cpus 0.2 of 4: the rest is kept for guarantees of prod',
    cutBy: 'headroom',
  })
  t.like(declined('batch', prod, { ...batch, limit: { cpus: 9, mem: 1024 } }), {
    detail:
      'it is offered cpus 0.2 of 4, mem 1024 of 4096: role batch has 0 of its limit of 1024 mem; the rest is kept for guarantees of prod',
    cutBy: 'headroom',
  })
})

test('a limit that leaves too little is told like one that is reached', (t) => {
  const harness = new Harness().allocating(
    { kind: 'role', role: 'batch', weight: 1, guarantee: {}, limit: { cpus: 0.5 } },
    anAgent('a1'),
    withTerms('f1', { minAllocatable: [{ cpus: 1 }] }, 'batch'),
  )
  t.deepEqual(only(t, explained(harness, { member: 'f1', role: 'batch' })), {
    reason: 'limit',
    detail: 'role batch has 0 of its limit of 0.5 cpus',
  })
})

test('what a role lacks itself is not kept from it', (t) => {
  const late = { kind: 'role' as const, role: 'late', weight: 1, guarantee: { cpus: 8 }, limit: {} }
  const declined = ['a1', 'a2'].map((agent) => ({
    ...aFilter('f1', agent, [{ resources: cpusMem(4, 4096), forMs: 5_000 }]),
    role: 'late',
  }))
  const agents = [anAgent('a1'), anAgent('a2')].flat()
  const alone = new Harness().allocating(late, agents, aMember('f1', { role: 'late' }), declined)
  const { counts, examples } = explained(alone, { member: 'f1', role: 'late' })
  t.deepEqual(counts, { filtered: 2 })
  t.is(examples?.[0]?.detail, 'declined cpus 4, mem 4096')
  const prod = { ...late, role: 'prod', guarantee: { cpus: 3 } }
  const both = new Harness().allocating(late, prod, agents, aMember('f2'))
  t.is(
    explained(both, { member: 'f2' }).examples?.[0]?.detail,
    '8 of 8 cpus free in the cluster kept for guarantees of late, prod',
  )
})

test('of quotas those amounts are told that are short, and a few roles', (t) => {
  const limited = new Harness().allocating(
    { kind: 'role', role: 'batch', weight: 1, guarantee: {}, limit: { cpus: 2, mem: 4096 } },
    anAgent('a1', { free: cpusMem(2, 4032) }),
    aMember('f1', { role: 'batch', ...FULL }),
  )
  t.is(
    only(t, explained(limited, { member: 'f1', role: 'batch' })).detail,
    'role batch has 2 of its limit of 2 cpus',
  )
  const role = (name: string): AllocatorFigure => ({
    kind: 'role',
    role: name,
    weight: 1,
    guarantee: { cpus: 6, disk: 100 },
    limit: {},
  })
  const kept = new Harness().allocating(
    ['r1', 'r2', 'r3', 'r4'].map(role),
    anAgent('a1', { free: cpusMem(4, 4096) }),
    aMember('f1'),
  )
  t.is(
    only(t, explained(kept, { member: 'f1' })).detail,
    '4 of 4 cpus free in the cluster kept for guarantees of r1, r2, r3 and others',
  )
})

test('an agent that has gone is none, also while something of it is not answered', (t) => {
  const harness = new Harness().allocating(anAgent('a1'), aMember('f1'))
  harness.turn()
  harness.say({ kind: 'agent-gone', agentId: idOf('a1') })
  t.deepEqual(explained(harness, { member: 'f1' }).counts, {})
})

test('of what was declined, what that was and for how long it counts', (t) => {
  const harness = new Harness().allocating(
    anAgent('a1'),
    aMember('f1'),
    aFilter('f1', 'a1', [
      { resources: cpusMem(4, 4096), forMs: 5_000 },
      { resources: cpusMem(8, 8192), forMs: 3_000 },
      { resources: cpusMem(1, 64), forMs: 9_000 },
    ]),
  )
  harness.pass(1_800.5)
  t.deepEqual(only(t, explained(harness, { member: 'f1' })), {
    reason: 'filtered',
    detail: 'declined cpus 4, mem 4096',
    forMs: 3_200,
  })
})

test('of an agent that late members had often enough, until when', (t) => {
  const harness = new Harness().allocating(aMember('f1', { declinedLast: true }))
  let allocations = harness.tell(anAgent('a1'))
  for (let version = 2; allocations.length > 0; version++) {
    const { allocation } = allocations[0] as { allocation: number }
    harness.tell(anAgent('a1', { version, free: [] }), answered('made', allocation))
    allocations = harness.tell(anAgent('a1', { version: version + 1_000 }))
  }
  harness.nowMs += 400
  t.deepEqual(only(t, explained(harness, { member: 'f1' })), { reason: 'paused', forMs: 600 })
})

test('an agent is told of all members, with three examples of each reason', (t) => {
  const members = Array.from({ length: 9 }, (_, i) => aMember(`f${i}`, { suppressed: i > 0 }))
  const harness = new Harness().allocating(
    anAgent('a1'),
    members,
    aFilter('f0', 'a1', [{ resources: cpusMem(4, 4096), forMs: 5_000 }]),
  )
  const { counts, examples, standings } = explained(harness, { agent: 'a1' })
  t.deepEqual(counts, { filtered: 1, suppressed: 8 })
  t.is(standings, undefined)
  t.like(examples, [
    { ...framework('f0'), reason: 'filtered', detail: 'declined cpus 4, mem 4096' },
    { ...framework('f1'), reason: 'suppressed' },
    { ...framework('f2'), reason: 'suppressed' },
    { ...framework('f3'), reason: 'suppressed' },
  ])
  t.is(examples?.length, 4)
})

test('a role is told how it stands among its siblings, from the top of the tree', (t) => {
  const harness = new Harness().allocating(
    { kind: 'role', role: 'prod/web', weight: 2, guarantee: {}, limit: {} },
    anAgent('a1', { free: [] }),
    aMember('f1', { role: 'prod/web', ...FULL }),
    aMember('f2', { role: 'prod/db' }),
    aMember('f3', { role: 'dev' }),
  )
  const { standings, counts } = explained(harness, { role: 'prod/web' })
  t.deepEqual(counts, {})
  const none = { guarantee: {}, limit: {}, consumed: {} }
  t.deepEqual(standings, [
    { role: 'prod', share: 0.5, weight: 1, place: 2, siblings: 2, ...none },
    { role: 'prod/web', share: 0.5, weight: 2, place: 2, siblings: 2, ...none },
  ])
})

test('what the allocator was not told of is unknown', (t) => {
  const harness = new Harness().allocating(anAgent('a1'), aMember('f1'))
  for (const asked of [{ member: 'f9' }, { agent: 'a9' }, { role: 'nobody' }]) {
    t.like(explained(harness, asked), { unanswered: 'unknown', counts: undefined })
  }
  harness.say({ kind: 'agent-gone', agentId: idOf('a1') })
  t.like(explained(harness, { agent: 'a1' }), { unanswered: 'unknown' })
})

test('a question that comes too early is answered when all is known', (t) => {
  const harness = new Harness().opening()
  harness.confirm()
  const figure = figureOf({ member: 'f1' })
  harness.say(aMember('f1'), figure)
  t.deepEqual(harness.turn(), [])
  harness.say(anAgent('a1', { free: [] }), { kind: 'complete' })
  t.like(harness.turn(), [{ kind: 'explained', counts: { 'none-free': 1 } }])
})

test('a large cluster is looked at in pieces, and others are allocated to meanwhile', (t) => {
  const agents = Array.from({ length: 10_000 }, (_, i) => anAgent(`a${i}`, { free: [] }))
  const harness = new Harness().allocating(agents.flat(), aMember('f1'))
  harness.turn()
  harness.say(figureOf({ member: 'f1' }))
  let turns = 0
  const from = harness.sent.length
  while (harness.sent.length === from) {
    harness.input({ kind: 'flush' })
    turns += 1
    if (turns !== 2) continue
    harness.say(anAgent('fresh'))
    harness.input({ kind: 'flush' })
    const [allocated] = harness.sent.splice(from)
    t.deepEqual(pairs(allocationsOf(allocated?.reports ?? [])), ['f1:fresh'])
  }
  t.is(turns, 4)
  t.like(harness.sent.at(-1)?.reports, [
    { kind: 'explained', counts: { 'none-free': 10_000, next: 1 } },
  ])
  t.false(allocatorCore.wantsFlush(harness.state))
})

test('no more questions wait than are allowed: the newest is told so', (t) => {
  const harness = new Harness().allocating(anAgent('a1'), aMember('f1'))
  const figures = Array.from({ length: 1_025 }, () => figureOf({ member: 'f1' }))
  harness.say(figures)
  const answers = harness.turn().filter((report) => report.kind === 'explained')
  t.is(answers.length, 1_025)
  t.deepEqual(
    answers.filter(({ unanswered }) => unanswered !== undefined),
    [{ kind: 'explained', question: figures.at(-1)?.question ?? 0, unanswered: 'too-many' }],
  )
})

test('the more there is to be looked at, the fewer questions wait', (t) => {
  const agents = Array.from({ length: 4_096 }, (_, i) => anAgent(`a${i}`, { free: [] }))
  const harness = new Harness().allocating(agents.flat(), aMember('f1'))
  harness.say(Array.from({ length: 130 }, () => figureOf({ member: 'f1' })))
  const answers = harness.turn().filter((report) => report.kind === 'explained')
  const [refused, answered] = [
    answers.filter(({ unanswered }) => unanswered === 'too-many'),
    answers.filter(({ counts }) => counts?.['none-free'] === 4_096),
  ]
  t.is(refused.length, 2)
  t.is(answered.length, 128)
})

test('a question changes nothing: what is allocated is the same', (t) => {
  const play = (isAsked: boolean): readonly string[] => {
    const harness = new Harness().allocating(
      { kind: 'role', role: 'r', weight: 3, guarantee: { cpus: 4 }, limit: { cpus: 9 } },
      aMember('f1'),
      aMember('f2', { declinedLast: true }),
      aMember('f3', { role: 'r' }),
    )
    const said: string[] = []
    for (let i = 0; i < 40; i++) {
      if (isAsked) {
        for (const asked of [{ member: 'f1' }, { agent: `a${i % 7}` }, { role: 'r' }])
          harness.say(figureOf(asked))
      }
      const filter = aFilter('f1', `a${i % 7}`, [{ resources: cpusMem(4, 4096), forMs: 700 }])
      const agent = anAgent(`a${i % 7}`, { version: i + 1 })
      said.push(...pairs(harness.tell(agent, ...(i % 3 === 0 ? [filter] : []))))
      said.push(...pairs(allocationsOf(harness.pass(150))))
      said.push(...pairs(harness.tell(answered(i % 2 === 0 ? 'made' : 'refused', i))))
    }
    return said
  }
  t.deepEqual(play(true), play(false))
})
