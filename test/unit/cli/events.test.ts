/** `bourse events` and `bourse decode` without a cluster: patterns, times, lines, gaps. */
import test from 'ava'
import type { StoredMessage } from '../../../bus/bus.ts'
import { encode } from '../../../bus/codec.ts'
import { decode } from '../../../cli/commands/decode.ts'
import { EventLines } from '../../../cli/event-lines.ts'
import { eventFilter, requirePattern } from '../../../cli/event-pattern.ts'
import type { Io } from '../../../cli/io.ts'
import { since } from '../../../cli/since.ts'

for (const pattern of ['>', 'task.*.*.failed', 'task', 'agent.*', '*.*.*.ended', 'offer.local.>'])
  test(`${pattern} is a pattern of events`, (t) => t.notThrows(() => requirePattern(pattern)))

const bad: Readonly<Record<string, RegExp>> = {
  'a b': /is no pattern: words of letters/,
  '': /is no pattern/,
  'task.>.failed': /is no pattern/,
  'tsk.*': /^"tsk" is no kind of event: master, allocator, agent, role, framework, offer, task$/,
  'task.*.*.faild': /^no event of kind task ends in "faild": staging, /,
  'task.failed': /^no event is like "task.failed": .* like 'task\.\*\.\*\.failed'$/,
  'agent.*.*.registered': /^no event is like/,
}
for (const [pattern, message] of Object.entries(bad))
  test(`"${pattern}" is no pattern, and is told why`, (t) =>
    void t.throws(() => requirePattern(pattern), { message, code: 'cli/usage' }))

test('a pattern counts from behind the name of the cluster', (t) => {
  t.is(eventFilter('c', 'task.*.*.failed'), 'c.event.task.*.*.failed')
  t.is(eventFilter('c', '>'), 'c.event.>')
  t.is(eventFilter('c', 'task'), 'c.event.task.>')
})

test('since is a time or how long ago', (t) => {
  t.is(since('1h')(10_000_000), 6_400_000)
  t.is(since('all')(10_000_000), 0)
  t.is(since('2026-11-21T10:00Z')(0), Date.UTC(2026, 10, 21, 10))
  t.is(since('2026-11-21T10:00:30.5+01:00')(0), Date.UTC(2026, 10, 21, 9, 0, 30, 500))
  t.is(since('2026-11-21')(0), since('2026-11-21T00:00')(0))
  for (const text of ['yesterday', '', '2026-13-01', '5']) t.throws(() => since(text))
})

const RUN = 'a'.repeat(16)
const AT_MS = new Date(2026, 10, 21, 9, 5, 7, 3).getTime()

const stored = (sequence: number, word: string, body: object): StoredMessage => ({
  sequence,
  atMs: AT_MS,
  subject: `c.event.${word}`,
  payload: encode({ epoch: 1, run: RUN, n: sequence, ...body }),
})
const message = (...args: Parameters<typeof stored>) =>
  ({ kind: 'message', message: stored(...args) }) as const
const people = (isWhole = true, columns?: number): EventLines =>
  new EventLines({ json: false, isWhole, columns })
const programs = (isWhole = true): EventLines => new EventLines({ json: true, isWhole })

const failed = {
  atMs: AT_MS,
  agentId: 'a1',
  principal: 'local',
  frameworkId: 'f1',
  status: {
    taskId: 't1',
    state: 'TASK_FAILED',
    source: 'agent',
    exit: { code: 3 },
    uuid: '0'.repeat(32),
    atMs: AT_MS,
  },
}

test('an event is one line that stands under the others', (t) => {
  const lines = people()
  const leads = message(1, 'master.leads', { events: [{ atMs: AT_MS, name: 'm1' }] })
  t.deepEqual(lines.of(leads), [
    '     1  11-21 09:05:07.003  master.leads          m1                            leads from now on: epoch 1',
  ])
  t.deepEqual(lines.of(message(2, 'task.local.f1.failed', { events: [failed, failed] })), [
    '     2  11-21 09:05:07.003  task.failed           f1/t1                         on a1: exit 3',
    '     2  11-21 09:05:07.003  task.failed           f1/t1                         on a1: exit 3',
  ])
  const accepted = { ...failed, status: undefined, offers: ['3-a-1'], tasks: 2 }
  t.regex(
    lines.of(message(3, 'offer.other.f1.accepted', { events: [accepted] }))[0] ?? '',
    /offer\.accepted {8}other\/f1 +used 1 offer of a1 for 2 tasks$/,
  )
})

test('who has set what of a role is one line', (t) => {
  const set = { atMs: AT_MS, principal: 'olga', role: 'prod' }
  const quota = { ...set, guarantee: { cpus: 4, mem: 64 }, limit: {} }
  t.regex(
    people().of(message(1, 'role.quota-set', { events: [quota] }))[0] ?? '',
    /role\.quota-set +prod +has a quota, set by olga: guaranteed cpus:4;mem:64, no limit$/,
  )
  const removed = { ...quota, guarantee: {} }
  t.regex(
    people().of(message(1, 'role.quota-set', { events: [removed] }))[0] ?? '',
    /role\.quota-set +prod +has no quota any more: olga has removed it$/,
  )
  t.regex(
    people().of(message(1, 'role.weight-set', { events: [{ ...set, weight: 2 }] }))[0] ?? '',
    /role\.weight-set +prod +has weight 2, set by olga$/,
  )
})

test('a word that a newer leader knows is a line, too', (t) => {
  const [line] = people().of(
    message(1, 'agent.drained', { events: [{ atMs: AT_MS, agentId: 'a1', message: 'by hand' }] }),
  )
  t.regex(line ?? '', /agent\.drained +a1 +on a1: by hand$/)
})

test('hostile text does nothing on a terminal, and a line fits into it', (t) => {
  const event = { atMs: AT_MS, name: 'evil\u001b[2J\nname', principal: 'local', frameworkId: 'f1' }
  const body = { events: [event] }
  const [line = ''] = people().of(message(1, 'framework.local.f1.subscribed', body))
  t.true(line.endsWith('is there: evil\ufffd[2J\ufffdname'))
  const long = { ...event, frameworkId: 'wordcount-0123456789abcdef' }
  const narrow = people(true, 80).of(
    message(1, 'framework.local.wordcount-0123456789abcdef.subscribed', { events: [long] }),
  )
  t.deepEqual(narrow, [
    '     1  09:05:07.003  framework.subscribed  wordcoun…9abcdef  is there: evil\ufffd[2…',
  ])
  t.deepEqual(people(true, 60).of(message(2, 'task.local.f1.failed', { events: [failed] })), [
    '     2  task.failed           f1/t1             on a1: exit…',
  ])
  const [json = ''] = programs().of(message(1, 'framework.local.f1.subscribed', body))
  t.false(json.includes('\u001b'))
})

test('for programs an event has its subject, its sequence and all of its fields', (t) => {
  const [line = ''] = programs().of(message(7, 'task.local.f1.failed', { events: [failed] }))
  t.deepEqual(JSON.parse(line), {
    sequence: 7,
    subject: 'c.event.task.local.f1.failed',
    kind: 'task',
    what: 'failed',
    epoch: 1,
    run: RUN,
    n: 7,
    ...failed,
  })
})

test('an agent that was given up: by whom', (t) => {
  const gone = { agentId: 'a1', principal: 'anna', atMs: 0 } as const
  const [line = ''] = people().of(message(7, 'agent.gone', { events: [gone] }))
  t.regex(line, / agent\.gone +a1 +was given up by anna$/)
})

test('what is no event is said, and the next one is read', (t) => {
  const broken = { ...stored(1, 'task.local.f1.failed', {}), payload: Uint8Array.of(0xc1) }
  t.regex(people().of({ kind: 'message', message: broken })[0] ?? '', / is no event: /)
  const elsewhere = { ...stored(2, 'x', { events: [failed] }), subject: 'c.event.x' }
  const [line = ''] = programs().of({ kind: 'message', message: elsewhere })
  t.like(JSON.parse(line), { unreadable: { sequence: 2, subject: 'c.event.x' } })
})

test('who reads all events sees which numbers are missing', (t) => {
  const events = [failed]
  const lines = programs()
  const numbered = (sequence: number, epoch: number, n: number) =>
    lines.of(message(sequence, 'task.local.f1.failed', { epoch, n, events }))
  t.is(numbered(100, 3, 50).length, 1)
  t.is(numbered(101, 3, 51).length, 1)
  const [gap = ''] = numbered(102, 3, 54)
  t.deepEqual(JSON.parse(gap), { gap: { why: 'unstored', epoch: 3, run: RUN, from: 52, to: 53 } })
  // A new leader begins with 1; what the old one said late is no gap.
  const [first = ''] = numbered(103, 4, 2)
  t.deepEqual(JSON.parse(first), { gap: { why: 'unstored', epoch: 4, run: RUN, from: 1, to: 1 } })
  t.is(numbered(104, 3, 55).length, 1)
  t.is(numbered(105, 4, 3).length, 1)
})

test('who reads all events sees which epochs are missing', (t) => {
  const events = [failed]
  const lines = programs()
  const numbered = (sequence: number, epoch: number, n: number) =>
    lines.of(message(sequence, 'task.local.f1.failed', { epoch, n, events }))
  t.is(numbered(1, 1, 1).length, 1)
  const [gap = ''] = numbered(2, 4, 1)
  t.deepEqual(JSON.parse(gap), { gap: { why: 'epochs', from: 2, to: 3 } })
  // What an old leader said late is none, nor is a leader that follows.
  t.is(numbered(3, 1, 2).length, 1)
  t.is(numbered(4, 4, 2).length, 1)
  t.is(numbered(5, 5, 1).length, 1)
  // Behind what the history has lost, nobody knows who led.
  t.is(lines.of({ kind: 'lost', from: 6, to: 40 }).length, 1)
  t.is(numbered(41, 9, 7).length, 1)
})

test('who reads all events from the first sees what was lost before it', (t) => {
  const first = (lines: EventLines, sequence = 1) =>
    lines.of(message(sequence, 'agent.registered', { epoch: 9, n: 18, events: [{ atMs: AT_MS }] }))
  const gapsOf = (given: readonly string[]) => given.slice(0, -1).map((line) => JSON.parse(line))
  const gaps = [
    { gap: { why: 'epochs', from: 1, to: 8 } },
    { gap: { why: 'unstored', epoch: 9, run: RUN, from: 1, to: 17 } },
  ]
  t.deepEqual(gapsOf(first(programs())), gaps)
  t.deepEqual(
    first(people())
      .slice(0, -1)
      .map((line) => line.trim()),
    [
      'gap: epochs 1 to 8: no event of them is kept',
      'gap: 17 messages, numbers 1 to 17 of epoch 9: not in the history',
    ],
  )
  // A store that is lost while one reads is read like any other.
  const lines = programs()
  t.is(first(lines, 40).length, 1)
  t.is(lines.of({ kind: 'began-anew' }).length, 1)
  t.deepEqual(gapsOf(first(lines)), gaps)
  // Of a pattern, and from anywhere else, nobody knows.
  t.is(first(programs(false)).length, 1)
  t.is(first(programs(), 2).length, 1)
})

test('epochs that are missing are a sentence for people', (t) => {
  const of = (epochs: readonly number[]) => {
    const lines = new EventLines({ json: false, isWhole: true })
    return epochs.flatMap((epoch, index) =>
      lines.of(message(index + 1, 'task.local.f1.failed', { epoch, n: 1, events: [failed] })),
    )[1]
  }
  t.regex(of([1, 4]) ?? '', /gap: epochs 2 to 3: no event of them is kept$/)
  t.regex(of([1, 3]) ?? '', /gap: epoch 2: no event of it is kept$/)
})

test('who reads a pattern sees only what the history has lost', (t) => {
  const lines = programs(false)
  const events = [failed]
  t.is(lines.of(message(1, 'task.local.f1.failed', { n: 1, events })).length, 1)
  t.is(lines.of(message(9, 'task.local.f1.failed', { n: 9, events })).length, 1)
  const [gap = ''] = lines.of({ kind: 'lost', from: 10, to: 40 })
  t.deepEqual(JSON.parse(gap), { gap: { why: 'expired', from: 10, to: 40 } })
})

test('gaps are sentences for people', (t) => {
  const lines = people()
  const said = (item: Parameters<EventLines['of']>[0]): string | undefined =>
    lines.of(item)[0]?.trim()
  t.is(
    said({ kind: 'lost', from: 17, to: 40 }),
    'gap: 24 messages, sequences 17 to 40: the history keeps them no longer',
  )
  t.is(said({ kind: 'began-anew' }), 'gap: the history was lost and begins anew, with sequence 1')
  t.is(
    said({ kind: 'began-anew', unreached: { after: 99, last: 7 } }),
    'gap: the last one is 7, not 99 or more; all there is follows',
  )
  lines.of(message(1, 'task.local.f1.failed', { events: [failed] }))
  t.is(
    said(message(6, 'task.local.f1.failed', { n: 3, events: [failed] })),
    'gap: 1 message, number 2 of epoch 1: not in the history',
  )
})

async function decoded(...chunks: readonly Uint8Array[]) {
  const printed: string[] = []
  const errors: string[] = []
  const io: Io = {
    env: {},
    isErrorTerminal: false,
    print: (line) => printed.push(line),
    printError: (line) => errors.push(line),
    write: () => undefined,
    writeError: () => undefined,
    drained: () => Promise.resolve(),
  }
  async function* input(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield await Promise.resolve(chunk)
  }
  return { code: await decode(input(), { io }), printed, errors }
}

test('decode gives a line for each value, wherever they were cut', async (t) => {
  const bytes = Buffer.concat([
    encode({ a: [1, 'x\u001b', null], data: Uint8Array.of(1, 2) }),
    encode(2 ** 53 - 1),
    Uint8Array.of(0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0),
  ])
  const { code, printed } = await decoded(bytes.subarray(0, 5), bytes.subarray(5))
  t.is(code, 0)
  t.deepEqual(printed, [
    '{"a":[1,"x\\u001b",null],"data":{"$base64":"AQI="}}',
    '9007199254740991',
    '"Infinity"',
  ])
})

test('decode says where its input is no msgpack', async (t) => {
  const { code, printed, errors } = await decoded(encode(1), Uint8Array.of(0xa5, 0x61))
  t.deepEqual([code, printed], [1, ['1']])
  t.regex(errors[0] ?? '', /^bourse: value 2 is no msgpack: the payload has .* at byte 0$/)
  t.like(await decoded(), {
    code: 1,
    errors: ['bourse: the input is empty: pipe a msgpack value into it'],
  })
  t.like(await decoded(Uint8Array.of(0xd4, 1, 1)), { code: 1 })
})
