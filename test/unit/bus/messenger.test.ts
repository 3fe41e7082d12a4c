import test from 'ava'
import type { Bus } from '../../../bus/bus.ts'
import { decode, encode } from '../../../bus/codec.ts'
import { type Messenger, openMessenger } from '../../../bus/messenger.ts'
import { isReplyIn, RefusedError } from '../../../bus/service.ts'
import { SimulatedClock } from '../../../bus/simulated/clock.ts'
import { SimulatedSystem } from '../../../bus/simulated/system.ts'
import { type ClusterError, refusal } from '../../../protocol/errors.ts'
import type { FrameworkId, Principal } from '../../../protocol/ids.ts'
import { MESSAGE_BYTES_MAX } from '../../../protocol/limits.ts'
import {
  BARE_INBOX,
  frameworkCall,
  frameworkInbox,
  inboxOf,
  leaderBeat,
  operatorCall,
} from '../../../protocol/subjects.ts'

const me = { cluster: 'c', principal: 'local' as Principal, frameworkId: 'f-1' as FrameworkId }
const myInbox = frameworkInbox(me)
const operator = { cluster: 'c', principal: 'local' as Principal }

/** A master that serves, a framework that calls, and what the master refused. */
async function world(options: { readonly isOpen?: boolean; readonly inbox?: string } = {}) {
  const clock = new SimulatedClock()
  const system = new SimulatedSystem(clock)
  const wait = <T>(promise: Promise<T>): Promise<T> => clock.runFor(promise)
  const refused: string[] = []
  let count = 0
  const open = async (name: string, inbox: string) => {
    const bus = await wait(system.connect({ name, inbox }))
    const randomToken = () => `token${++count}`
    const onRefused = (
      subject: string,
      { name: why, message }: { name: string; message: string },
    ) => void refused.push(`${subject} ${why}: ${message}`)
    const isOpen = options.isOpen ?? false
    return openMessenger({ bus, clock, randomToken, isOpen, onRefused })
  }
  const master = await open('master', inboxOf('c', 'master', 'm'))
  const framework = await open('framework', options.inbox ?? myInbox)
  const heard = async (from: Bus, to: Bus) => {
    await wait(from.flush())
    await wait(to.flush())
  }
  const say = async (subject: string, payload: Uint8Array, reply?: string) => {
    framework.bus.publish(subject, payload, reply === undefined ? {} : { reply })
    await heard(framework.bus, master.bus)
    await heard(master.bus, framework.bus)
  }
  return { clock, system, wait, master, framework, heard, say, refused }
}

function serveCalls(master: Messenger, answer: (verb: string) => unknown): void {
  master.serve(
    frameworkCall,
    { cluster: 'c' },
    {
      inboxOf: frameworkInbox,
      handle: (_body, ids, message) => master.answer(message, answer(ids.verb)),
    },
  )
}

test('what is sent on a route is heard with its ids and body', async (t) => {
  const { master, framework, wait } = await world()
  const seen: unknown[] = []
  master.listen(frameworkCall, { cluster: 'c' }, (body, ids, message) =>
    seen.push([body, ids, message]),
  )
  await wait(master.bus.flush())
  framework.send(frameworkCall, { ...me, verb: 'suppress' }, { roles: ['*'] })
  await wait(framework.bus.flush())
  await wait(master.bus.flush())
  const subject = 'c.master.framework.local.f-1.suppress'
  t.deepEqual(seen, [[{ roles: ['*'] }, { ...me, verb: 'suppress' }, { subject }]])
})

test('a call is answered, and many at once each with their own', async (t) => {
  const { master, framework, wait } = await world()
  serveCalls(master, (verb) => ({ verb }))
  await wait(master.bus.flush())
  const call = (verb: string) =>
    framework.call(frameworkCall, { ...me, verb }, { body: {}, timeoutMs: 1_000 })
  t.deepEqual(await wait(Promise.all(['pong', 'teardown', 'revive'].map(call))), [
    { verb: 'pong' },
    { verb: 'teardown' },
    { verb: 'revive' },
  ])
})

test('a call that is refused says by which name', async (t) => {
  const { master, framework, wait } = await world()
  master.serve(
    operatorCall,
    { cluster: 'c' },
    {
      inboxOf: () => myInbox,
      handle: (_body, _ids, message) =>
        master.refuse(message, refusal('not-leading', 'ask\r\nelsewhere é')),
    },
  )
  await wait(master.bus.flush())
  const ids = { ...operator, verb: 'agents' }
  const calling = framework.call(operatorCall, ids, { body: {}, timeoutMs: 1_000 })
  const error = await t.throwsAsync<RefusedError>(wait(calling), { instanceOf: RefusedError })
  t.deepEqual(
    [error.code, error.retry, error.refusal],
    ['bus/refused', 'later', refusal('not-leading', 'ask\r\nelsewhere é')],
  )
})

test('a call of which nobody hears, and one that nobody answers, fail by name', async (t) => {
  const { master, framework, wait, clock } = await world()
  const call = () =>
    framework.call(frameworkCall, { ...me, verb: 'pong' }, { body: {}, timeoutMs: 300 })
  t.is((await t.throwsAsync<ClusterError>(wait(call()))).code, 'bus/no-responders')
  master.listen(frameworkCall, { cluster: 'c' }, () => undefined)
  await wait(master.bus.flush())
  const startMs = clock.now().monotonicMs
  t.is((await t.throwsAsync<ClusterError>(wait(call()))).code, 'bus/call-timeout')
  t.is(clock.now().monotonicMs - startMs, 300)
  const waiting = call()
  framework.close()
  t.is((await t.throwsAsync<ClusterError>(waiting)).code, 'bus/closed')
})

test('an answer that is no msgpack fails the call by name', async (t) => {
  const { master, framework, wait } = await world()
  master.bus.subscribe('c.master.>', ({ reply }) => {
    if (reply !== undefined) master.bus.publish(reply, Uint8Array.of(0xc1))
  })
  await wait(master.bus.flush())
  const calling = framework.call(
    frameworkCall,
    { ...me, verb: 'pong' },
    { body: {}, timeoutMs: 1_000 },
  )
  t.is((await t.throwsAsync<ClusterError>(wait(calling))).code, 'bus/bad-answer')
})

test('bad input is refused by name, answered, counted, and harms nobody', async (t) => {
  const { master, framework, say, refused } = await world()
  const handled: string[] = []
  serveCalls(master, (verb) => handled.push(verb))
  const answers: unknown[] = []
  framework.bus.subscribe(`${myInbox}.x`, ({ payload, headers }) => {
    const body = decode(payload)
    answers.push([headers?.['Nats-Service-Error-Code'], body.ok && body.value])
  })
  const subject = (verb: string) => frameworkCall.to({ ...me, verb })
  const reply = `${myInbox}.x`
  await say(subject('pong'), Uint8Array.of(0xd4, 0, 0), reply)
  await say(subject('decline'), encode({ offers: 'all' }), reply)
  await say(subject('dance'), encode({}), reply)
  await say(`${subject('pong').replace('f-1', 'f~1')}`, encode({}), reply)
  await say(subject('pong'), new Uint8Array(MESSAGE_BYTES_MAX + 1), reply)
  await say(subject('pong'), encode({}))
  t.deepEqual(
    refused.map((line) => line.replace(/^.*?\.(\w+) ([^:]*):.*$/, '$1 $2')),
    ['pong malformed', 'decline invalid', 'dance unknown-verb', 'pong invalid', 'pong too-large'],
  )
  t.deepEqual(
    answers.map((answer) => (answer as unknown[])[0]),
    ['400', '400', '404', '413'],
  )
  t.like(answers[1], ['400', { name: 'invalid' }])
  t.deepEqual(handled, ['pong'])
})

test('nothing is answered outside of the inbox of the sender that the subject names', async (t) => {
  const { master, framework, say } = await world()
  serveCalls(master, () => ({}))
  let count = 0
  framework.bus.subscribe('>', ({ subject }) => {
    if (!subject.startsWith('c.')) count++
  })
  const subject = frameworkCall.to({ ...me, verb: 'pong' })
  const others = frameworkInbox({ ...me, frameworkId: 'f-2' })
  for (const reply of ['victim', `${others}.1`, `${myInbox}2.1`, myInbox, `${BARE_INBOX}mine.1`])
    await say(subject, encode({}), reply)
  t.is(count, 0)
  await say(subject, encode({}), `${myInbox}.1`)
  t.is(count, 1)
})

test('where there are no credentials any inbox is answered, nothing else', async (t) => {
  const { master, framework, say } = await world({ isOpen: true })
  serveCalls(master, () => ({}))
  const answers: string[] = []
  framework.bus.subscribe('>', ({ subject }) => {
    if (!subject.startsWith('c.')) answers.push(subject)
  })
  const subject = frameworkCall.to({ ...me, verb: 'pong' })
  for (const reply of ['victim', `${BARE_INBOX}mine.1`]) await say(subject, encode({}), reply)
  t.deepEqual(answers, [`${BARE_INBOX}mine.1`])
})

test('where inboxes are open, an id that is none is answered, too', async (t) => {
  const { master, framework, say } = await world({ isOpen: true })
  serveCalls(master, () => ({}))
  const heard: string[] = []
  framework.bus.subscribe(`${BARE_INBOX}any.>`, ({ payload }) => {
    const decoded = decode(payload)
    if (decoded.ok) heard.push((decoded.value as { message: string }).message)
  })
  await say('c.master.framework.local.a:b.pong', encode({}), `${BARE_INBOX}any.1`)
  await say('c.master.framework.local.f-1.launch', encode({}), `${BARE_INBOX}any.2`)
  await say('c.master.framework.local.a:b.pong', encode({}), 'c.leader')
  t.deepEqual(heard, [
    '"a:b" in the subject is no id: 1 to 64 letters, digits, _ or -',
    '"launch" is no verb: accept, complain, decline, explain, hand-over, kill, pong, ' +
      'read-output, reconcile, revive, subscribe, suppress, teardown, update',
  ])
})

test('a reply subject with wildcards, gaps or great length is none', (t) => {
  for (const rest of ['*', '>', 'a..b', '', 'a b', 'a.', '.a', 'x'.repeat(300)])
    t.false(isReplyIn(`${myInbox}.${rest}`, myInbox, true), rest)
  t.true(isReplyIn(`${myInbox}.aB-3_$.x`, myInbox, false))
})

test('a message larger than a message may be is our own bug', async (t) => {
  const { framework } = await world()
  const body = { roles: Array.from({ length: 40_000 }, () => 'a-role-name') }
  t.throws(() => framework.send(frameworkCall, { ...me, verb: 'suppress' }, body), {
    message: /is more than/,
  })
})

test('one who listens for a beat hears it from any', async (t) => {
  const { master, framework, heard } = await world()
  const epochs: number[] = []
  framework.listen(leaderBeat, { cluster: 'c' }, ({ epoch }) => epochs.push(epoch))
  await heard(framework.bus, framework.bus)
  const beat = { epoch: 3, run: '0123456789abcdef', master: 'm', version: { min: 1, max: 1 } }
  master.bus.publish('c.leader', encode({ ...beat, later: true }))
  master.bus.publish('d.leader', encode(beat))
  await heard(master.bus, framework.bus)
  t.deepEqual(epochs, [3])
})

test('who is not admitted is refused unread, and answered only when it may be', async (t) => {
  const { master, framework, wait, heard, refused } = await world()
  const given = ['admitted', 'refused', 'silenced'] as const
  let asked = 0
  const lengths: number[] = []
  const admit = (_ids: unknown, bytes: number) => {
    lengths.push(bytes)
    return given[asked++] ?? 'silenced'
  }
  let handled = 0
  const handle = (_body: unknown, _ids: unknown, message: { reply?: string }): void => {
    handled += 1
    master.answer({ subject: '', ...message }, {})
  }
  master.serve(frameworkCall, { cluster: 'c' }, { inboxOf: frameworkInbox, handle, admit })
  await heard(master.bus, framework.bus)
  const call = () =>
    framework.call(frameworkCall, { ...me, verb: 'suppress' }, { body: {}, timeoutMs: 100 })
  t.deepEqual(await wait(call()), {})
  const error = await t.throwsAsync(wait(call()), { instanceOf: RefusedError })
  t.like(error, { retry: 'later', refusal: { code: 429, name: 'too-many' } })
  await t.throwsAsync(wait(call()), { code: 'bus/call-timeout' })
  framework.bus.publish(frameworkCall.to({ ...me, verb: 'suppress' }), Uint8Array.of(0xc1), {
    reply: `${myInbox}.x`,
  })
  await heard(framework.bus, master.bus)
  t.is(handled, 1)
  t.deepEqual(lengths, [1, 1, 1, 1])
  t.deepEqual(
    refused.map((line) => line.split(' ')[1]),
    ['too-many:', 'too-many:', 'too-many:'],
  )
})
