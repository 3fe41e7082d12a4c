/** Why something waits, as sentences. */
import test from 'ava'
import { ENDED_UNKNOWN, mayRunOn } from '../../../cli/agents-away.ts'
import { REASONS_TOLD, toldReasons } from '../../../cli/explain/reasons.ts'
import { explanationOf, toldLines } from '../../../cli/explain/sentences.ts'
import type { Target } from '../../../cli/explain/target.ts'
import type { AgentId, FrameworkId, Launch, Principal, TaskId } from '../../../protocol/ids.ts'
import type { ResourceList } from '../../../protocol/schema/common.ts'
import {
  type Explained,
  type Explanation,
  type MemberExplanation,
  type RoleStanding,
  WAIT_REASONS,
} from '../../../protocol/schema/explain.ts'
import type {
  AgentItem,
  FrameworkItem,
  RoleItem,
  TaskItem,
} from '../../../protocol/schema/operator.ts'

const NOW_MS = 1e12
const cpus = (amount: number): ResourceList => [{ name: 'cpus', scalar: amount }]
const id = (name: string) => ({
  principal: 'local' as Principal,
  frameworkId: name as FrameworkId,
})

const WEB: FrameworkItem = {
  ...id('web-1f0c'),
  name: 'web',
  state: 'subscribed',
  roles: ['web'],
  suppressed: [],
  tasks: 0,
  offers: 0,
  used: [],
}
const WEB_ROLE: RoleItem = {
  role: 'web',
  weight: 1,
  guarantee: {},
  limit: {},
  frameworks: 1,
  used: {},
  offered: {},
}
const FRAMEWORK: Target = { kind: 'framework', id: 'web-1f0c', item: WEB }

const aMember = (more: Partial<MemberExplanation> = {}): MemberExplanation => ({
  ...id('web-1f0c'),
  role: 'web',
  name: 'web',
  state: 'subscribed',
  suppressed: false,
  left: false,
  tasks: 0,
  offers: 0,
  declinedLast: false,
  ...more,
})

const explained = (more: Partial<Explained>): Explained => ({
  kind: 'explained',
  question: 1,
  ...more,
})

const aStanding = (more: Partial<RoleStanding> = {}): RoleStanding => ({
  role: 'web',
  share: 0.25,
  weight: 1,
  place: 1,
  siblings: 1,
  guarantee: {},
  limit: {},
  consumed: {},
  ...more,
})

const lines = (target: Target, said: Partial<Explanation>): readonly string[] =>
  toldLines(explanationOf(target, { allocator: true, ...said }, NOW_MS))

const example = (name: string, more: object = {}) => ({
  agentId: name as AgentId,
  reason: 'filtered' as const,
  ...more,
})

test('every reason is told once', (t) => {
  t.deepEqual([...REASONS_TOLD].sort(), [...WAIT_REASONS].sort())
  const counts = Object.fromEntries(WAIT_REASONS.map((reason) => [reason, 2]))
  for (const of of ['agents', 'members'] as const) {
    const texts = toldReasons({ counts }, of).map(({ text }) => text)
    t.is(new Set(texts).size, WAIT_REASONS.length)
    t.snapshot(texts)
    t.snapshot(
      toldReasons(
        { counts: Object.fromEntries(WAIT_REASONS.map((reason) => [reason, 1])) },
        of,
      ).map(({ text }) => text),
    )
  }
})

test('a reason that only a newer allocator knows is told by its name, last', (t) => {
  const texts = toldReasons({ counts: { haunted: 2, 'none-free': 1 } }, 'agents')
  t.deepEqual(
    texts.map(({ text }) => text),
    ['1 agent has nothing free: all is used or offered', '2 agents are passed over: haunted'],
  )
})

test('a framework that waits is told why, the most telling first, and what helps', (t) => {
  const member = aMember({
    declinedLast: true,
    declinedMs: 1_300,
    declineReason: 'too small',
    explained: explained({
      counts: { 'none-free': 3, filtered: 2, limit: 1 },
      examples: [
        example('agent-4', { detail: 'declined cpus 4, mem 4096', forMs: 3_700 }),
        example('agent-5', { detail: 'declined cpus 2', forMs: 1_000 }),
        example('agent-1', { reason: 'none-free' }),
        example('agent-2', { reason: 'none-free' }),
        example('agent-6', { reason: 'limit', detail: 'role web has 10 of its limit of 10 cpus' }),
      ],
      standings: [
        aStanding({ place: 2, siblings: 3, limit: { cpus: 10 }, consumed: { cpus: 10 } }),
      ],
    }),
  })
  const offers = [{ ...id('batch-77'), role: '*', agentId: 'agent-1' as AgentId, ageMs: 12_000 }]
  t.deepEqual(lines(FRAMEWORK, { members: [member], offers, offerCount: 2, absent: 1 }), [
    'web-1f0c (role web) waits: none of 6 agents is offered to it',
    '  its role has all that its quota allows, which keeps 1 agent from it (`bourse quota get web`)',
    '    agent-6: role web has 10 of its limit of 10 cpus',
    '  2 agents were declined by it, the last 1s ago: "too small"',
    '    agent-4: declined cpus 4, mem 4096 (for another 3s)',
    '    agent-5: declined cpus 2 (for another 1s)',
    '  3 agents have nothing free: all is used or offered (`bourse tasks`, `bourse offers`)',
    '    agent-1, agent-2 and 1 more',
    '  role web holds 25 % of the cluster, is asked as number 2 of 3, has cpus 10 of at most 10',
    '2 offers are unanswered in the cluster, the oldest with batch-77 for 12s, of agent-1 (`bourse offers`)',
    '1 agent is not there (`bourse agents`)',
  ])
})

test('quotas are of the role at the top, and that one is named', (t) => {
  const nested = aMember({ role: 'web/shop', explained: explained({ counts: { limit: 2 } }) })
  t.is(
    lines(FRAMEWORK, { members: [nested] })[1],
    '  its role has all that its quota allows, which keeps 2 agents from it (`bourse quota get web`)',
  )
})

test('whoever waits for agents after a takeover is told so', (t) => {
  const told = lines(FRAMEWORK, { members: [aMember({})], absent: 2, awaited: 2 })
  t.deepEqual(told.slice(-2), [
    'its role has a limit, and gets nothing before 2 more agents are back: a new leader asks them first what it has',
    '2 agents are not there (`bourse agents`)',
  ])
})

test('nothing that strangers wrote acts on a terminal', (t) => {
  const evil = '\u001b[2J\n\u202e'
  const detail = `wants rack = ${evil}, has none`
  const member = aMember({
    role: `web${evil}`,
    declinedMs: 1_000,
    declineReason: evil,
    explained: explained({ counts: { filtered: 1 }, examples: [example('agent-1', { detail })] }),
  })
  const told = lines(FRAMEWORK, { members: [member] })
  t.is(told.length, 3)
  t.false(told.some((line) => /[\p{Cc}\u202e]/u.test(line)))
})

test('a framework that nothing is offered to anyway is told that', (t) => {
  const told = (more: Partial<MemberExplanation>) =>
    lines(FRAMEWORK, { members: [aMember(more)], absent: 1 })
  t.deepEqual(told({ suppressed: true, tasks: 2 }), [
    'web-1f0c (role web) wants no offers: it has suppressed them (it has 2 tasks)',
  ])
  t.deepEqual(told({ state: 'away' }), [
    'web-1f0c (role web) is away and gets nothing until it is back',
  ])
  t.deepEqual(told({ state: 'recovered', tasks: 1 }), [
    'web-1f0c (role web) has not subscribed since the leader changed (it has 1 task)',
  ])
  t.deepEqual(told({ left: true, tasks: 1 }), [
    'web-1f0c (role web) asks for no more: it only has 1 task there',
  ])
  t.deepEqual(told({ state: 'ended' }), [
    'web-1f0c (role web) has ended: some agents have not confirmed that yet',
  ])
})

test('a framework with offers is told to answer them', (t) => {
  const member = aMember({
    offers: 2,
    oldestOfferMs: 12_000,
    explained: explained({ counts: { 'none-free': 2 } }),
  })
  t.deepEqual(lines(FRAMEWORK, { members: [member] }), [
    'web-1f0c (role web) has 2 offers to answer, the oldest for 12s',
    '  2 agents have nothing free: all is used or offered (`bourse tasks`, `bourse offers`)',
  ])
})

test('a framework that has declined is told that others come first', (t) => {
  const told = (more: Partial<MemberExplanation>) =>
    lines(FRAMEWORK, {
      members: [aMember({ declinedLast: true, explained: explained({ counts: {} }), ...more })],
    })
  t.deepEqual(told({ declinedMs: 2_000 }), [
    'web-1f0c (role web) waits: there is no agent',
    '  it declined, the last 2s ago; who did not is asked first',
  ])
  t.deepEqual(told({}), [
    'web-1f0c (role web) waits: there is no agent',
    '  it did not answer its last offer; who did not is asked first',
  ])
})

test('without an allocator that is what is said', (t) => {
  const told = (more: Partial<MemberExplanation>) =>
    lines(FRAMEWORK, { allocator: false, members: [aMember(more)], more: 3 })
  t.deepEqual(told({}), [
    'web-1f0c (role web) wants offers',
    '  no allocator has said why (`bourse status` tells if there is one, `bourse allocator` starts one)',
    '3 more are not looked at here',
  ])
  t.is(
    told({ offers: 1, oldestOfferMs: 3_000 })[0],
    'web-1f0c (role web) has 1 offer to answer, the oldest for 3s',
  )
  t.is(
    told({ explained: explained({ unanswered: 'too-many' }) })[1],
    '  the allocator has too many questions just now',
  )
  t.is(
    told({ explained: explained({ unanswered: 'unknown' }) })[1],
    '  the allocator has not been told of it yet',
  )
})

test('of more members than are asked about it is said how to see more', (t) => {
  const asked = aMember({ explained: explained({ counts: {} }) })
  const others = ['web/ninth', 'web/tenth'].map((role) => aMember({ role, unasked: true }))
  t.deepEqual(lines(FRAMEWORK, { members: [asked, ...others], more: 1, allocator: false }), [
    'web-1f0c (role web) waits: there is no agent',
    '3 more are not looked at here: `bourse explain web/ninth`',
  ])
  const item = { ...WEB_ROLE, frameworks: 2 }
  const ninth = aMember({ ...id('web-9'), unasked: true })
  t.deepEqual(lines({ kind: 'role', id: 'web', item }, { members: [asked, ninth] }).slice(-2), [
    'web-1f0c (role web) waits: there is no agent',
    '1 more is not looked at here: `bourse explain web-9`',
  ])
})

test('a role is told with those below it, and how these stand', (t) => {
  const standings = [aStanding(), aStanding({ role: 'web/shop', siblings: 2 })]
  const below = aMember({ role: 'web/shop', explained: explained({ counts: {}, standings }) })
  const said = { members: [below], explained: explained({ standings: standings.slice(0, 1) }) }
  t.deepEqual(lines({ kind: 'role', id: 'web', item: WEB_ROLE }, said), [
    'role web has 1 framework; nothing used, nothing offered',
    '  role web holds 25 % of the cluster',
    'web-1f0c (role web/shop) waits: there is no agent',
    '  role web/shop holds 25 % of the cluster, is asked as number 1 of 2',
  ])
})

test('a role is told how it stands, then its members', (t) => {
  const item: RoleItem = {
    role: 'prod/web',
    weight: 2,
    guarantee: {},
    limit: {},
    frameworks: 1,
    used: { cpus: 2 },
    offered: {},
  }
  const said = {
    members: [
      aMember({
        role: 'prod/web',
        explained: explained({ counts: { headroom: 1 }, standings: [aStanding()] }),
      }),
    ],
    explained: explained({
      standings: [
        aStanding({ role: 'prod', guarantee: { cpus: 8 }, consumed: { cpus: 2 } }),
        aStanding({ role: 'prod/web', weight: 2, place: 1, siblings: 2 }),
      ],
    }),
  }
  t.deepEqual(lines({ kind: 'role', id: 'prod/web', item }, said), [
    'role prod/web has 1 framework; cpus 2 used, nothing offered',
    '  role prod holds 25 % of the cluster, has cpus 2 of 8 guaranteed',
    '  role prod/web holds 25 % of the cluster, weight 2, is asked as number 1 of 2',
    'web-1f0c (role prod/web) waits: the only agent is not offered to it',
    '  what 1 agent has free is kept for guarantees of other roles (`bourse roles`)',
  ])
})

test('an agent is told what it has free, to whom it is offered, and who does not get it', (t) => {
  const item: AgentItem = {
    agentId: 'agent-1' as AgentId,
    hostname: 'h',
    state: 'registered',
    total: cpus(4),
    used: cpus(1),
    offered: cpus(1),
    tasks: 1,
    attributes: [],
  }
  const target: Target = { kind: 'agent', id: 'agent-1', item }
  const said = {
    offers: [{ ...id('web-1f0c'), role: 'web', agentId: item.agentId, ageMs: 3_000 }],
    offerCount: 1,
    explained: explained({
      counts: { suppressed: 2, filtered: 1 },
      examples: [
        { ...id('a'), role: '*', reason: 'suppressed' as const },
        { ...id('b'), role: 'x', reason: 'suppressed' as const },
        {
          ...id('c'),
          role: '*',
          reason: 'filtered' as const,
          detail: 'declined cpus 2',
          forMs: 900,
        },
      ],
    }),
  }
  t.deepEqual(lines(target, said), [
    'agent-1 has cpus 2 free of cpus 4',
    '  offered to web-1f0c in role web for 3s',
    '2 frameworks want no offers',
    '  a',
    '  b in role x',
    '1 framework has declined as much or more here',
    '  c: declined cpus 2 (for another 900ms)',
  ])
  t.deepEqual(lines(target, { explained: explained({ counts: {} }) }).slice(1), [
    'no framework is there that could be offered it',
  ])
  const away: AgentItem = { ...item, state: 'unreachable' }
  t.deepEqual(lines({ ...target, item: away }, {}), [
    'agent-1 does not answer: its tasks are unreachable until it is back, or `bourse gone` says that it never will be',
  ])
  const gone: AgentItem = { ...item, state: 'gone' }
  t.deepEqual(lines({ ...target, item: gone }, { state: 'gone' }), [
    'agent-1 was given up by an operator: its tasks are over, and it is refused should it come back',
  ])
})

const aTask = (state: TaskItem['state'], more: Partial<TaskItem> = {}): Target => {
  const item: TaskItem = {
    ...id('web-1f0c'),
    taskId: 'web-0' as TaskId,
    agentId: 'agent-1' as AgentId,
    launch: '1-0123456789abcdef-1' as Launch,
    role: 'web',
    state,
    resources: cpus(1),
    changedAtMs: NOW_MS - 61_000,
    ...more,
  }
  return { kind: 'task', id: 'web-0', item }
}

test('a task is told by its state', (t) => {
  const told = (target: Target, agentState = 'registered'): readonly string[] =>
    lines(target, { agentState, ...(target.kind === 'task' && { state: target.item.state }) })
  t.deepEqual(told(aTask('TASK_STAGING'), 'silent'), [
    'web-1f0c/web-0 was sent to agent-1 1m1s ago, which has not said that it starts',
    '  agent-1 has no session with the leader just now: nothing of it is offered',
  ])
  t.regex(told(aTask('TASK_RUNNING', { healthy: false }))[0] ?? '', / for 1m1s and is not healthy/)
  t.deepEqual(told(aTask('TASK_STARTING')), [
    'web-1f0c/web-0 is being started on agent-1, for 1m1s',
  ])
  t.deepEqual(told(aTask('TASK_RUNNING')), ['web-1f0c/web-0 runs on agent-1 for 1m1s'])
  t.deepEqual(told(aTask('TASK_KILLING')), ['web-1f0c/web-0 is being killed on agent-1, for 1m1s'])
  t.deepEqual(told(aTask('TASK_UNREACHABLE'), 'unreachable'), [
    'web-1f0c/web-0 is unreachable for 1m1s, as agent-1 is: it comes back with it',
  ])
  t.deepEqual(told(aTask('TASK_FAILED', { exit: { code: 3 } })), [
    'web-1f0c/web-0 ended as TASK_FAILED 1m1s ago on agent-1: exit 3',
  ])
})

test('a task that is not known is told with what its framework waits for', (t) => {
  const target: Target = {
    kind: 'waiting',
    id: 'web-1f0c/web-1',
    item: WEB,
    taskId: 'web-1' as TaskId,
    away: [],
  }
  const counts = { 'too-small': 1 }
  t.deepEqual(lines(target, { members: [aMember({ explained: explained({ counts }) })] }), [
    `web-1f0c/web-1 is not known here: not launched yet, or it ${ENDED_UNKNOWN}`,
    'web-1f0c (role web) waits: the only agent is not offered to it',
    '  1 agent has less free than it takes',
  ])
  const away = [{ agentId: 'agent-1' as AgentId, state: 'recovering' as const }]
  t.deepEqual(lines({ ...target, away }, {}), [
    `web-1f0c/web-1 is not known here: it may run on agent-1 (recovering), was not launched yet, or ${ENDED_UNKNOWN}`,
  ])
})

test('of many agents that may have a task some are named', (t) => {
  const away = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      agentId: `a${i}` as AgentId,
      state: 'unreachable' as const,
    }))
  t.is(mayRunOn([]), undefined)
  t.is(mayRunOn(away(2)), 'it may run on a0 (unreachable) or a1 (unreachable)')
  t.regex(mayRunOn(away(7)) ?? '', /, a4 \(unreachable\) or one of 2 more that are not back$/)
})
