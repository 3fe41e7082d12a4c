/** What operators ask about tasks is handed on to agents, and fits into what they are sent. */
import test from 'ava'
import { encode } from '../../../../bus/codec.ts'
import { check } from '../../../../protocol/check.ts'
import type { AgentId, SessionId, TaskId } from '../../../../protocol/ids.ts'
import {
  AGENT_PING_MS,
  AGENT_PINGS_MISSED_MAX,
  FINDING_AGENTS_MAX,
  MESSAGE_BYTES_MAX,
  SANDBOX_PATH_BYTES_MAX,
} from '../../../../protocol/limits.ts'
import type { OperatorReadSandbox } from '../../../../protocol/schema/sandbox.ts'
import {
  aHeldTask,
  aRegister,
  aStage,
  cpusMem,
  FakeAgent,
  oldLaunch,
} from '../../../support/master-actors.ts'
import {
  aFramework,
  bits,
  effectsOf,
  MasterDriver,
  ordersOf,
} from '../../../support/master-builders.ts'

const REQUEST = bits<SessionId>(3)
const TASK = { ...aFramework(), taskId: 't1' as TaskId }
const LOOK: OperatorReadSandbox = {
  ...TASK,
  agentId: 'a1' as AgentId,
  path: new Uint8Array(SANDBOX_PATH_BYTES_MAX),
  want: 'list',
  after: new Uint8Array(SANDBOX_PATH_BYTES_MAX),
  offset: 0,
  bytesMax: 1,
  request: REQUEST,
}

test('the longest question about a sandbox is passed on whole, and fits', (t) => {
  const { master } = aStage()
  t.true(check('OperatorReadSandbox', LOOK).ok)
  t.deepEqual(master.operate({ verb: 'read-sandbox', body: LOOK }), { ok: {} })
  const { agentId: _, ...look } = LOOK
  t.deepEqual(ordersOf(master.effects, 'a1', 'send-sandbox'), [{ kind: 'send-sandbox', ...look }])
  for (const { body } of effectsOf(master.effects, 'send-orders')) {
    t.true(check('AgentOrders', body).ok)
    t.true(encode(body).length <= MESSAGE_BYTES_MAX)
  }
})

test('what a task uses is asked of its agent', (t) => {
  const { master } = aStage()
  const body = { ...TASK, agentId: 'a1' as AgentId, request: REQUEST }
  t.deepEqual(master.operate({ verb: 'read-usage', body }), { ok: {} })
  t.deepEqual(ordersOf(master.effects, 'a1', 'send-usage'), [
    { kind: 'send-usage', ...TASK, request: REQUEST },
  ])
})

test('an older agent is not asked what it does not understand, and its session stays whole', (t) => {
  const { master } = aStage()
  const older = new FakeAgent(master, 'older')
  const { understands: _, ...register } = aRegister()
  older.say(register)
  const some = new FakeAgent(master, 'some')
  some.open({ understands: ['send-usage', 'send-flowers'] })
  const body = { ...TASK, request: REQUEST }
  const usage = (agentId: AgentId) =>
    master.operate({ verb: 'read-usage', body: { ...body, agentId } })
  const sandbox = (agentId: AgentId) =>
    master.operate({ verb: 'read-sandbox', body: { ...LOOK, agentId } })
  t.like(usage(older.agentId), {
    refused: { code: 409, message: 'agent older does not say that it understands send-usage' },
  })
  t.like(sandbox(older.agentId), { refused: { name: 'conflict' } })
  t.like(sandbox(some.agentId), { refused: { name: 'conflict' } })
  t.deepEqual(usage(some.agentId), { ok: {} })
  for (const kind of ['send-usage', 'send-sandbox'] as const)
    t.deepEqual(ordersOf(master.effects, 'older', kind), [])
  // Another build has taken its place.
  older.open({ opens: 2, understands: ['send-usage', 'send-sandbox'] })
  t.deepEqual(sandbox(older.agentId), { ok: {} })
})

test('an agent that is not there is asked nothing, and that is said', (t) => {
  const { master } = aStage()
  const agentId = 'a9' as AgentId
  const usage = { ...TASK, agentId, request: REQUEST }
  const sandbox = { ...LOOK, agentId }
  t.like(master.operate({ verb: 'read-sandbox', body: sandbox }), { refused: { code: 404 } })
  t.like(master.operate({ verb: 'read-usage', body: usage }), { refused: { code: 404 } })
  t.is(
    effectsOf(master.effects, 'send-orders').filter((sent) => sent.agentId === agentId).length,
    0,
  )
})

const found = (master: MasterDriver) =>
  master.operate({ verb: 'find-sandboxes', body: { framework: 'f', task: 't', request: REQUEST } })

test('all agents are asked at once; who is away or on its way out is not waited for', (t) => {
  const { master } = aStage()
  const stays = new FakeAgent(master, 'a2')
  stays.open()
  const tasks = Array.from({ length: 5 }, (_, i) =>
    aHeldTask(`t${i}`, { launch: oldLaunch(i + 1), resources: cpusMem(0.001, 1) }),
  )
  const goes = new FakeAgent(master, 'a3')
  goes.open({}, tasks)
  t.deepEqual(found(master), { ok: { agents: 3, everyoneAnswers: true } })
  const [question] = effectsOf(master.effects, 'ask-agents')
  t.true(check('FindSandboxes', question?.body).ok)
  t.like(question?.body, { framework: 'f', task: 't', request: REQUEST, everyoneAnswers: true })

  master.isFlushing = false
  master.operate({ verb: 'mark-gone', body: { agentId: goes.agentId } })
  t.deepEqual(found(master), { ok: { agents: 2, everyoneAnswers: true } })
  t.true(master.leader.agents.has(goes.agentId), 'its tasks are still seen to')
  master.isFlushing = true

  for (let ms = 0; ms < AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2); ms += 1_000) {
    stays.pong()
    master.pass(1_000)
  }
  t.is(master.agent('a1').state, 'unreachable')
  t.deepEqual(found(master), { ok: { agents: 1, everyoneAnswers: true } })
})

test('of many agents only those answer that have something', (t) => {
  const master = new MasterDriver().leading()
  for (let i = 0; i < FINDING_AGENTS_MAX; i += 1) new FakeAgent(master, `a${i}`).open()
  t.deepEqual(found(master), { ok: { agents: FINDING_AGENTS_MAX, everyoneAnswers: true } })
  new FakeAgent(master, 'one-more').open()
  t.deepEqual(found(master), { ok: { agents: FINDING_AGENTS_MAX + 1, everyoneAnswers: false } })
})
