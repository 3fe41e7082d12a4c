import test from 'ava'
import { refusal } from '../../../../protocol/errors.ts'
import type { SessionId, TaskId } from '../../../../protocol/ids.ts'
import type { Output } from '../../../../protocol/schema/scheduler.ts'
import { AGENT, aStatus, fence, Given, OTHER_AGENT, uuid } from './given.ts'

const request = '0000000000000001' as SessionId
const taskId = 't-1' as TaskId
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const reading = (): Given => {
  const given = new Given().subscribed().launched('t-1')
  const kind = 'framework.open-reading'
  given.input({ kind, request, taskId, agentId: AGENT, stream: 'stdout', offset: 0 })
  given.input({ kind: 'framework.read', request })
  return given
}
const piece = (given: Given, fields: Partial<Output>, agentId = AGENT) =>
  given.input({
    kind: 'agent.output',
    agentId,
    message: {
      request,
      taskId,
      stream: 'stdout',
      offset: 0,
      data: bytes(''),
      end: false,
      ...fields,
    },
  })

test('one piece is asked for at a time, from where the last one ended', (t) => {
  const given = reading()
  t.like(given.call('read-output').body, { taskId, agentId: AGENT, offset: 0, request })
  piece(given, { data: bytes('hello') })
  t.deepEqual(given.effects, [
    { do: 'tell-output', request, piece: { offset: 0, data: bytes('hello'), end: false } },
  ])
  given.input({ kind: 'framework.read', request })
  t.is(given.call('read-output').body.offset, 5)
  piece(given, { offset: 5, data: bytes('!'), end: true })
  t.is(given.all('tell-output')[0]?.piece.end, true)
  t.is(given.state.readings.size, 0)
})

test('what was taken away is told, and reading goes on behind it', (t) => {
  const given = reading()
  piece(given, { data: bytes('end'), goneBytes: 100 })
  t.like(given.all('tell-output')[0]?.piece, { offset: 100, goneBytes: 100 })
  given.input({ kind: 'framework.read', request })
  t.is(given.call('read-output').body.offset, 103)
  piece(given, { offset: 103, begunAnew: true })
  t.like(given.all('tell-output')[0]?.piece, { offset: 0, begunAnew: true })
  given.input({ kind: 'framework.read', request })
  t.is(given.call('read-output').body.offset, 0)
})

test('a piece that was not asked for, or comes twice, is dropped', (t) => {
  const given = reading()
  piece(given, { offset: 3, data: bytes('x') })
  t.deepEqual(given.effects, [])
  piece(given, { data: bytes('x') }, OTHER_AGENT)
  t.deepEqual(given.effects, [])
  piece(given, { data: bytes('ab') })
  piece(given, { data: bytes('ab') })
  t.deepEqual(given.effects, [])
})

test('no output yet is asked for again without a word to the framework', (t) => {
  const given = reading()
  piece(given, {})
  t.deepEqual(given.all('tell-output'), [])
  t.is(given.calls('read-output').length, 1)
})

test('a piece that was lost is asked for again by its offset', (t) => {
  const given = reading()
  const again = given.pass(12_000)
  t.is(again.filter((e) => e.do === 'call' && e.verb === 'read-output').length, 1)
})

test('a question that the leader cannot pass on is asked again', (t) => {
  const given = reading()
  given.answer(request, refusal('not-found', 'agent agent-1 is not registered here'))
  t.deepEqual(given.effects, [])
  given.pass(1_000)
  t.is(given.calls('read-output').length, 1)
})

test('an ended task on an agent that nobody expects: there is no more, at once', (t) => {
  const given = reading()
  const gone = refusal('conflict', 'agent agent-1 was given up by an operator')
  given.answer(request, gone)
  t.deepEqual(given.effects, [], 'its end is not known yet')
  const status = aStatus('TASK_GONE_BY_OPERATOR', { source: 'master' })
  given.say([{ kind: 'status', status }])
  t.is(given.calls('read-output').length, 1, 'whom it was asked of before is gone')
  given.answer(request, gone)
  const missing = 'agent agent-1 was given up by an operator: the rest of stdout is not read'
  t.is(given.all('tell-output')[0]?.piece.missing, missing)
  t.is(given.state.readings.size, 0)
})

test('a new session asks again at once', (t) => {
  const given = reading()
  given.nowMs += 1_000
  given.input({ kind: 'leader.beat', beat: fence(2) })
  given.subscribe(fence(2))
  t.like(given.call('read-output').body, { offset: 0, epoch: 2, session: given.session })
})

test('a status that its agent repeats while it is read: the agent is new, and asked again', (t) => {
  const given = reading()
  const ended = aStatus('TASK_FINISHED', { uuid: uuid(1) })
  given.status(ended)
  t.is(given.calls('read-output').length, 0)
  given.status(ended)
  t.like(given.call('read-output').body, { offset: 0, request })
  piece(given, { data: bytes('all'), end: true })
  given.status(ended)
  t.is(given.calls('read-output').length, 0)
})

test('while the task lives, missing output may still come', (t) => {
  const given = reading()
  piece(given, { end: true, missing: true })
  t.deepEqual(given.effects, [])
  given.pass(1_000)
  t.is(given.calls('read-output').length, 1)
})

test('when the task has ended, missing output is missing', (t) => {
  const given = reading()
  given.status(aStatus('TASK_FAILED'))
  piece(given, { end: true, missing: true })
  t.regex(given.all('tell-output')[0]?.piece.missing ?? '', /agent agent-1 has no stdout/)
})

test('an ended task whose agent is silent for 30 s: the framework is told that there is no more', (t) => {
  const given = reading()
  given.status(aStatus('TASK_FAILED'))
  for (let i = 0; i < 29; i++) {
    given.pass(1_000)
    given.say([{ kind: 'ping' }])
    given.answer(request, refusal('not-found', ''))
    t.deepEqual(given.all('tell-output'), [])
  }
  given.pass(5_000)
  t.regex(given.all('tell-output')[0]?.piece.missing ?? '', /agent-1 has sent nothing of stdout/)
})

test('while the task lives, a silent agent is waited for', (t) => {
  const given = reading()
  for (let i = 0; i < 60; i++) {
    given.say([{ kind: 'ping' }])
    t.is(given.pass(5_000).filter((e) => e.do === 'tell-output').length, 0)
  }
})

test('a task that this process never heard of may run on an agent that is away: it is asked on', (t) => {
  const given = new Given().subscribed()
  const wish = { taskId: 't-9' as TaskId, agentId: AGENT, stream: 'stdout', offset: 0 } as const
  given.input({ kind: 'framework.open-reading', request, ...wish })
  given.input({ kind: 'framework.read', request })
  given.answer(request, refusal('conflict', 'agent agent-1 is unreachable'))
  t.deepEqual(given.all('tell-output'), [])
  given.pass(1_000)
  t.is(given.calls('read-output').length, 1)
})
