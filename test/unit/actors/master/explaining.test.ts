/** Why somebody has got nothing: what the leader knows, and what its allocator answers. */
import test from 'ava'
import type { Effect } from '../../../../actors/master/effects.ts'
import type { AgentId, TaskId } from '../../../../protocol/ids.ts'
import type { Explain, Explained, Explanation } from '../../../../protocol/schema/explain.ts'
import { wireBytes } from '../../../../protocol/wire-size.ts'
import { aStage, aStageWith, cpusMem, FakeFramework, live } from '../../../support/master-actors.ts'
import {
  type Answer,
  aFramework,
  answerTo,
  figuresOf,
  type MasterDriver,
} from '../../../support/master-builders.ts'

const REPLY = 'reply.explain'

const ask = (master: MasterDriver, body: Explain): readonly Effect[] =>
  master.input({
    kind: 'operator-call',
    principal: aFramework().principal,
    call: { verb: 'explain', body },
    reply: REPLY,
  })

const answerIn = (effects: readonly Effect[]): Answer => answerTo(REPLY, effects)

function explanationIn(effects: readonly Effect[]): Explanation | undefined {
  const answer = answerIn(effects)
  return answer !== undefined && 'ok' in answer ? (answer.ok as Explanation) : undefined
}

function refusalOf(answer: Answer): string {
  return answer !== undefined && 'refused' in answer ? answer.refused.name : 'none'
}

/** What the allocator is asked, and how it answers. */
function questionsIn(effects: readonly Effect[]) {
  return figuresOf(effects).filter(({ kind }) => kind.startsWith('ask-')) as {
    kind: string
    question: number
  }[]
}

const explained = (question: number, more: Partial<Explained> = {}): Explained => ({
  kind: 'explained',
  question,
  counts: { 'none-free': 1 },
  ...more,
})

test('a framework waits for what the allocator says of each of its roles', (t) => {
  const { master, framework, allocator } = aStage()
  framework.subscribe({ roles: ['a', 'b', 'c'], suppressed: ['c'] })
  const asked = ask(master, { framework: aFramework() })
  t.is(answerIn(asked), undefined)
  t.like(questionsIn(asked), [
    { kind: 'ask-member', ...aFramework(), role: 'a' },
    { kind: 'ask-member', ...aFramework(), role: 'b' },
  ])
  const [first, second] = questionsIn(asked).map(({ question }) => question) as [number, number]
  t.is(answerIn(allocator.say(explained(second, { counts: { filtered: 2 } }))), undefined)
  const answer = explanationIn(allocator.say(explained(first)))
  t.like(answer, { state: 'subscribed', allocator: true, absent: 0, offers: [], offerCount: 0 })
  t.like(answer?.members, [
    { role: 'a', suppressed: false, explained: { counts: { 'none-free': 1 } } },
    { role: 'b', suppressed: false, explained: { counts: { filtered: 2 } } },
    { role: 'c', suppressed: true },
  ])
  t.is(answer?.members?.[2]?.explained, undefined)
})

test('a framework is shown with the age of its offers, and with those of all', (t) => {
  const { master, framework, allocator } = aStage()
  const other = new FakeFramework(master, 'f2')
  other.subscribe()
  allocator.offer({ ...aFramework('f2'), resources: cpusMem(1, 64) })
  master.pass(1_000)
  allocator.offer({ resources: cpusMem(1, 64) })
  master.pass(500)
  framework.pong()
  const asked = ask(master, { framework: aFramework() })
  const [question] = questionsIn(asked)
  const answer = explanationIn(allocator.say(explained(question?.question ?? 0)))
  t.like(answer, { offerCount: 2 })
  t.like(answer?.offers, [
    { frameworkId: 'f2', role: '*', agentId: 'a1', ageMs: 1_500 },
    { frameworkId: 'f1', role: '*', agentId: 'a1', ageMs: 500 },
  ])
  t.like(answer?.members?.[0], { offers: 1, oldestOfferMs: 500, tasks: 0, name: 'test' })
})

test('a framework is shown with what it said when it declined last', (t) => {
  const { master, framework, allocator } = aStage()
  allocator.offer()
  framework.call('decline', { offers: [...framework.offers], reason: 'too small' })
  master.pass(300)
  const [question] = questionsIn(ask(master, { framework: aFramework() }))
  const answer = explanationIn(allocator.say(explained(question?.question ?? 0)))
  t.like(answer?.members?.[0], {
    declinedLast: true,
    declinedMs: 300,
    declineReason: 'too small',
    offers: 0,
  })
})

test('what no allocator can say is left out', (t) => {
  const { master, allocator } = aStage()
  const asked = ask(master, { framework: aFramework() })
  t.is(answerIn(asked), undefined)
  t.is(explanationIn(master.pass(599)), undefined)
  const late = explanationIn(master.pass(1))
  t.like(late, { state: 'subscribed', allocator: false })
  t.is(late?.members?.[0]?.explained, undefined)
  const [question] = questionsIn(asked)
  t.is(answerIn(allocator.say(explained(question?.question ?? 0))), undefined)
  t.is(master.counter('explanations-late'), 1)

  const again = ask(master, { framework: aFramework() })
  t.is(answerIn(again), undefined)
  const gone = explanationIn(allocator.sayNumbered(allocator.n + 5, explained(9)))
  t.like(gone, { state: 'subscribed', allocator: false })
  t.like(explanationIn(ask(master, { framework: aFramework() })), { allocator: false })
})

test('a role is asked about, and those of its members that want something', (t) => {
  const { master, framework, allocator } = aStage()
  framework.subscribe({ roles: ['a'] })
  new FakeFramework(master, 'f2').subscribe({ roles: ['a'], suppressed: ['a'] })
  new FakeFramework(master, 'f3').subscribe({ roles: ['b'] })
  const asked = ask(master, { role: 'a' })
  t.like(questionsIn(asked), [
    { kind: 'ask-role', role: 'a' },
    { kind: 'ask-member', frameworkId: 'f1', role: 'a' },
  ])
  const [role, member] = questionsIn(asked).map(({ question }) => question) as [number, number]
  const answer = explanationIn(allocator.say(explained(role), explained(member)))
  t.deepEqual(
    answer?.members?.map(({ frameworkId }) => frameworkId),
    ['f1', 'f2'].map((id) => aFramework(id).frameworkId),
  )
  t.is(answer?.explained?.question, role)
})

test('a role is explained with the members of roles below it', (t) => {
  const { master, framework } = aStage()
  framework.subscribe({ roles: ['a/b', 'ab'] })
  new FakeFramework(master, 'f2').subscribe({ roles: ['a'] })
  new FakeFramework(master, 'f3').subscribe({ roles: ['a/b/c', 'a/d'] })
  t.like(questionsIn(ask(master, { role: 'a' })), [
    { kind: 'ask-role', role: 'a' },
    { frameworkId: 'f2', role: 'a' },
    { frameworkId: 'f1', role: 'a/b' },
    { frameworkId: 'f3', role: 'a/b/c' },
    { frameworkId: 'f3', role: 'a/d' },
  ])
})

test('a role with many members is told of as many as fit', (t) => {
  const { master, allocator } = aStage()
  for (let i = 0; i < 70; i++) new FakeFramework(master, `x${i}`).subscribe({ roles: ['a'] })
  const asked = ask(master, { role: 'a' })
  t.is(questionsIn(asked).length, 9)
  const detail = 'é'.repeat(256)
  const example = { reason: 'filtered' as const, agentId: 'a'.repeat(64) as AgentId, detail }
  const answers = questionsIn(asked).map(({ question }) =>
    explained(question, { examples: Array.from({ length: 39 }, () => example) }),
  )
  let last: readonly Effect[] = []
  for (const one of answers) last = allocator.say(one)
  const answer = explanationIn(last)
  t.is(answer?.members?.length, 64)
  t.is(answer?.more, 6)
  t.deepEqual(
    answer?.members?.slice(6, 10).map((one) => [one.unasked, one.explained === undefined]),
    [
      [undefined, false],
      [undefined, false],
      [true, true],
      [true, true],
    ],
  )
  t.true(wireBytes(answer) < 256 * 1024)
})

test('an agent is asked about while it is there', (t) => {
  const { master, agent, allocator } = aStage()
  allocator.offer({ resources: cpusMem(1, 64) })
  const asked = ask(master, { agentId: agent.agentId })
  t.like(questionsIn(asked), [{ kind: 'ask-agent', agentId: agent.agentId }])
  const [question] = questionsIn(asked)
  const answer = explanationIn(allocator.say(explained(question?.question ?? 0)))
  t.like(answer, { state: 'registered', offerCount: 1, explained: { counts: { 'none-free': 1 } } })
  t.like(answer?.offers, [{ frameworkId: 'f1', agentId: 'a1' }])
  agent.say({ kind: 'stopping' })
  t.deepEqual(explanationIn(ask(master, { agentId: agent.agentId })), {
    state: 'stopped',
    offers: [],
    offerCount: 0,
    allocator: true,
  })
})

test('a task is explained by its state, and its agent', (t) => {
  const { master, agent } = aStageWith('t1')
  const task = { ...aFramework(), taskId: 't1' as TaskId }
  t.like(explanationIn(ask(master, { task })), {
    state: 'TASK_STAGING',
    status: { taskId: 't1', agentId: 'a1', state: 'TASK_STAGING', source: 'master' },
    agentState: 'registered',
  })
  agent.update('t1', 'TASK_FAILED', { message: 'no such file', exit: { code: 127 } })
  t.like(explanationIn(ask(master, { task })), {
    state: 'TASK_FAILED',
    status: { message: 'no such file', exit: { code: 127 }, source: 'agent' },
  })
})

test('a task on an agent that is away is unreachable since then', (t) => {
  const { master, framework } = aStageWith('t1')
  for (let i = 0; i < 6; i++) {
    master.pass(3_000)
    framework.pong()
  }
  master.pass(6_000)
  const task = { ...aFramework(), taskId: 't1' as TaskId }
  const answer = explanationIn(ask(master, { task }))
  t.like(answer, { state: 'TASK_UNREACHABLE', agentState: 'unreachable' })
  t.is(typeof answer?.status?.unreachableAtMs, 'number')
})

test('a task is explained when its framework is gone, too', (t) => {
  const { master, agent, framework } = aStageWith('t1')
  agent.update('t1', 'TASK_FINISHED')
  framework.call('teardown', {})
  agent.say({ kind: 'torn-down', ...aFramework() })
  t.false(master.leader.frameworks.has('local.f1'))
  const task = { ...aFramework(), taskId: 't1' as TaskId }
  t.like(explanationIn(ask(master, { task })), { state: 'TASK_FINISHED' })
  const other = { ...task, taskId: 't2' as TaskId }
  t.is(refusalOf(answerIn(ask(master, { task: other }))), 'not-found')
})

test('a task that is not known is answered with what its framework waits for', (t) => {
  const { master, allocator } = aStage()
  const asked = ask(master, { task: { ...aFramework(), taskId: 't9' as TaskId } })
  const [question] = questionsIn(asked)
  const answer = explanationIn(allocator.say(explained(question?.question ?? 0)))
  t.is(answer?.state, undefined)
  t.like(answer?.members, [{ role: '*', explained: { counts: { 'none-free': 1 } } }])
})

test('a framework is told why it waits, and nothing of others', (t) => {
  const { master, framework, allocator } = aStage()
  const input = { framework: aFramework(), call: { verb: 'explain' as const, body: {} } }
  const asked = master.input({ kind: 'framework-call', ...input, reply: REPLY })
  t.is(answerIn(asked), undefined)
  const [question] = questionsIn(asked)
  const agentId = 'a1' as AgentId
  const told = explained(question?.question ?? 0, {
    counts: { headroom: 1, 'others-first': 1, limit: 1, filtered: 2 },
    examples: [
      { reason: 'headroom', agentId, detail: 'kept for guarantees of secret' },
      { reason: 'others-first', agentId, detail: 'for secret-1 in role secret' },
      { reason: 'limit', agentId, detail: 'role * has 1 of its limit of 1 cpus' },
      { reason: 'filtered', agentId, detail: 'the rest is for secret', cutBy: 'headroom' },
      { reason: 'filtered', agentId, detail: 'role * leaves 2 cpus', cutBy: 'limit' },
    ],
  })
  const answer = explanationIn(allocator.say(told))
  t.like(answer, { allocator: true, absent: 0 })
  t.is(answer?.offers, undefined)
  t.false(JSON.stringify(answer).includes('secret'))
  t.true(JSON.stringify(answer).includes('its limit of 1 cpus'))
  t.true(JSON.stringify(answer).includes('role * leaves 2 cpus'))

  for (let i = 0; i < 9; i++) {
    framework.call('explain', {})
    allocator.say(explained((question?.question ?? 0) + 1 + i))
  }
  t.is(refusalOf(framework.call('explain', {})), 'too-many')
  t.is(answerIn(ask(master, { framework: aFramework() })), undefined, 'operators come first')
  master.pass(1_000)
  t.is(framework.call('explain', {}), undefined)
})

test('frameworks that ask do not fill the allocator, however slow it is', (t) => {
  const { master, framework, allocator } = aStage()
  const roles = Array.from({ length: 12 }, (_, i) => `r${i}`)
  framework.subscribe({ roles })
  const from = master.effects.length
  const asked = () => questionsIn(master.effects.slice(from)).map(({ question }) => question)
  framework.call('explain', {})
  framework.call('explain', {})
  t.is(asked().length, 16)
  // Nobody waits for these any more, but the allocator has still to answer them.
  live({ master, framework, allocator }, 3_000)
  t.is(refusalOf(framework.call('explain', {})), 'too-many')
  for (const question of asked().slice(0, 8)) allocator.say(explained(question))
  t.is(framework.call('explain', {}), undefined)
  t.is(refusalOf(framework.call('explain', {})), 'too-many')
  // Another allocator has not been asked anything.
  allocator.open()
  t.is(framework.call('explain', {}), undefined)
})

test('what is not there is refused, and so is a question about nothing or two things', (t) => {
  const { master } = aStage()
  t.is(refusalOf(answerIn(ask(master, { agentId: 'a9' as AgentId }))), 'not-found')
  t.is(refusalOf(answerIn(ask(master, { framework: aFramework('f9') }))), 'not-found')
  t.is(refusalOf(answerIn(ask(master, { role: 'nobody' }))), 'not-found')
  t.is(refusalOf(answerIn(ask(master, {}))), 'invalid')
  t.is(refusalOf(answerIn(ask(master, { role: '*', agentId: 'a1' as AgentId }))), 'invalid')
})

test('no more explanations wait at once than are allowed', (t) => {
  const { master, allocator } = aStage()
  for (let i = 0; i < 64; i++) t.is(answerIn(ask(master, { agentId: 'a1' as AgentId })), undefined)
  t.is(refusalOf(answerIn(ask(master, { agentId: 'a1' as AgentId }))), 'too-many')
  allocator.say(explained(1))
  t.is(answerIn(ask(master, { agentId: 'a1' as AgentId })), undefined)
})
