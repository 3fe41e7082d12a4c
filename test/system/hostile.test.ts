/** What means harm, on a real bus: it gets a named answer, is counted, and harms nobody else. */
import test, { type ExecutionContext } from 'ava'
import { openScheduler } from '../../actors/scheduler/scheduler.ts'
import { encode } from '../../bus/codec.ts'
import type { Principal } from '../../protocol/ids.ts'
import { EPOCH_JUMP_MAX } from '../../protocol/limits.ts'
import { LEASE_KEY, leaderBeat, leaseBucket, operatorCall } from '../../protocol/subjects.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { type Actor, type Cluster, openCluster, runBourse } from '../support/cluster.ts'
import { callOf, openStranger, type Stranger } from '../support/stranger.ts'

let cluster: Cluster
let stranger: Stranger
let actors: readonly Actor[]

const SECRET = 'a secret of a stranger'
const HOSTILE = 'hostile'
const LOCAL = 'local' as Principal

test.before(async () => {
  cluster = await openCluster()
  actors = [
    await cluster.start('master', '--id', 'm1'),
    await cluster.start('allocator'),
    await cluster.start('agent', '--id', 'e', '--emulate', '2'),
  ]
  stranger = await openStranger(cluster.server.url)
  await actors[0]?.says('leads')
  await subscribe(HOSTILE)
  // It must not sit on what the others' tasks need.
  await stranger.call(HOSTILE, 'suppress', {})
})

test.after.always(async () => {
  await stranger?.close()
  await cluster?.close()
})

/** One after another: each looks at the counters that it moves. The cluster goes on after each. */
const hostile = (title: string, run: (t: ExecutionContext) => Promise<void>): void =>
  test.serial(title, async (t) => {
    t.timeout(60_000)
    await run(t)
    t.true(
      actors.every(({ isRunning }) => isRunning),
      'nobody died',
    )
  })

async function subscribe(frameworkId: string): Promise<void> {
  const done = await stranger.call(frameworkId, 'subscribe', { secret: SECRET, name: frameworkId })
  if (done !== 'done') throw new Error(`${frameworkId} is refused: ${done}`)
}

const repeated = (byte: number, count: number): readonly number[] =>
  Array.from({ length: count }, () => byte)

const MALFORMED: Readonly<Record<string, readonly number[]>> = {
  'nothing at all': [],
  'not msgpack': [0xc1, 0xff, 0x00],
  JSON: [...Buffer.from('{"roles":["*"]}')],
  truncated: [...encode({ roles: ['*', 'x'] })].slice(0, -1),
  'trailing bytes': [...encode({}), 0x00],
  'an extension': [0x81, 0xa1, 0x61, 0xd4, 0x72, 0x40],
  'a timestamp extension': [0x81, 0xa1, 0x61, 0xd6, 0xff, 0, 0, 0, 0],
  'a list that claims 2^32-1 items': [0xdd, 0xff, 0xff, 0xff, 0xff],
  'a map that claims 2^32-1 fields': [0xdf, 0xff, 0xff, 0xff, 0xff],
  'a string that claims 2^32-1 bytes': [0xdb, 0xff, 0xff, 0xff, 0xff],
  'a depth bomb': repeated(0x91, 100_000),
  'a map of maps': [...repeated(0, 50_000)].flatMap(() => [0x81, 0xa1, 0x61]),
  'a field named __proto__': [0x81, 0xa9, ...Buffer.from('__proto__'), 0x80],
  'a key that is no string': [0x81, 0x01, 0x02],
  'no UTF-8': [0x81, 0xa1, 0xff, 0x02],
  'an integer of 2^53': [0x81, 0xa1, 0x6e, 0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0],
}

for (const [what, bytes] of Object.entries(MALFORMED))
  hostile(`${what}: malformed`, async (t) => {
    const before = await stranger.report()
    t.is(await stranger.ask(callOf(HOSTILE, 'revive'), Uint8Array.from(bytes)), 'malformed')
    await t.notThrowsAsync(stranger.counts('refused.malformed', before))
  })

const task = (taskId: string, resources: unknown = { cpus: 0.1, mem: 16 }) => ({
  taskId,
  resources,
  command: { argv: ['echo'] },
})
const accept = (...tasks: unknown[]) => ({
  offers: ['o'],
  operations: tasks.length === 0 ? [] : [{ kind: 'launch', tasks }],
})

const REFUSED: readonly (readonly [what: string, verb: string, body: unknown, name: string])[] = [
  ['a list where a message is wanted', 'revive', [1, 2], 'invalid'],
  ['a number', 'revive', 7, 'invalid'],
  ['binary where fields are wanted', 'revive', Uint8Array.of(1, 2, 3), 'invalid'],
  ['binary in a field', 'accept', accept({ ...task('t'), command: Uint8Array.of(1) }), 'invalid'],
  ['roles that are a map', 'revive', { roles: { '*': true } }, 'invalid'],
  ['a field of another kind', 'pong', { session: 7 }, 'invalid'],
  ['an operation of no kind', 'accept', { offers: ['o'], operations: [{ kind: 'x' }] }, 'invalid'],
  [
    'the kind of an object',
    'accept',
    { offers: ['o'], operations: [{ kind: 'toString' }] },
    'invalid',
  ],
  ['no such verb', 'explode', {}, 'unknown-verb'],
  ['a verb of every object', 'constructor', {}, 'unknown-verb'],
  ['NaN', 'accept', accept(task('t', { cpus: Number.NaN })), 'invalid'],
  ['Infinity', 'accept', accept(task('t', { cpus: Number.POSITIVE_INFINITY })), 'invalid'],
  ['1e308', 'accept', accept(task('t', { cpus: 1e308 })), 'invalid'],
  ['less than nothing', 'accept', accept(task('t', { cpus: -1 })), 'invalid'],
  ['an epoch of 2^53-1', 'pong', { epoch: Number.MAX_SAFE_INTEGER }, 'invalid'],
  ['an epoch that is not the leader’s', 'pong', { epoch: 2 ** 40 }, 'stale'],
  ['a task id with wildcards', 'kill', { taskId: 'a.*.>' }, 'invalid'],
  ['a task id with direction marks', 'kill', { taskId: 'a\u202eb' }, 'invalid'],
  [
    'a NUL in a command',
    'accept',
    accept({ ...task('t'), command: { argv: ['a\0b'] } }),
    'invalid',
  ],
  ['an id of a megabyte', 'kill', { taskId: 'x'.repeat(200_000) }, 'invalid'],
  ['a message that is too large', 'decline', { reason: 'x'.repeat(300_000) }, 'too-large'],
  ['a reason that is too long', 'decline', { offers: ['o'], reason: 'x'.repeat(300) }, 'too-large'],
  ['more tasks than an accept takes', 'accept', tasks(600, 1), 'too-large'],
  ['a million tasks, as many as a message holds', 'accept', tasks(400, 16), 'too-large'],
  ['an offer that nobody made', 'accept', accept(task('t')), 'stale'],
  ['another session', 'pong', { session: '00000000000000ff' }, 'stale-session'],
]

function tasks(count: number, lists: number): unknown {
  const list = { kind: 'launch', tasks: Array.from({ length: count }, (_, i) => task(`t${i}`)) }
  return { offers: ['o'], operations: Array.from({ length: lists }, () => list) }
}

for (const [what, verb, body, name] of REFUSED)
  hostile(`${what}: ${name}`, async (t) => {
    const before = await stranger.report()
    t.is(await stranger.call(HOSTILE, verb, body), name)
    await t.notThrowsAsync(stranger.counts(`refused.${name}`, before))
  })

hostile('an operator’s unknown fields are refused', async (t) => {
  const subject = operatorCall.to({ cluster: 'bourse', principal: LOCAL, verb: 'agents' })
  t.is(await stranger.ask(subject, encode({ prefix: 'a', colour: 'red' })), 'invalid')
})

hostile('wildcards in ids of a subject are nobody: counted, and not answered', async (t) => {
  const before = await stranger.report()
  const real = callOf('x', 'pong')
  for (const id of ['*', '>', 'é', 'x'.repeat(65)])
    stranger.say(real.replace('.x.', `.${id}.`), encode({}), `${stranger.bus.inbox}.none`)
  await t.notThrowsAsync(stranger.counts('refused.invalid', before, 4))
})

hostile('a reply subject is the sender’s inbox or nothing is answered', async (t) => {
  const before = await stranger.report()
  const stream = `KV_${leaseBucket('bourse')}`
  for (const reply of [
    `$JS.API.STREAM.DELETE.${stream}`,
    `$KV.${leaseBucket('bourse')}.${LEASE_KEY}`,
  ])
    for (const payload of [Uint8Array.of(0xc1), encode({})])
      stranger.say(callOf(HOSTILE, 'pong'), payload, reply)
  await t.notThrowsAsync(stranger.counts('refused.malformed', before, 2))
  t.is((await stranger.report()).epoch, before.epoch)
})

hostile('names that act on terminals are shown as nothing that acts', async (t) => {
  const name = 'a\u0000\u001b[2J\u202eb'
  t.is(await stranger.call('bidi', 'subscribe', { secret: SECRET, name }), 'done')
  const { stdout, code } = await runBourse(cluster.env, 'frameworks')
  t.is(code, 0)
  t.true(stdout.includes('bidi'))
  for (const acting of ['\u0000', '\u001b', '\u202e']) t.false(stdout.includes(acting))
  await stranger.call('bidi', 'teardown', {})
})

hostile('offers of others, used ones, more than was offered, and a task twice', async (t) => {
  const polite = await openScheduler({ name: 'polite', nats: cluster.server.url })
  t.teardown(() => polite.close())
  const offers = polite.offers()[Symbol.asyncIterator]()
  const { value: offer } = await offers.next()
  const { offerId } = offer
  const acceptOf = (...wanted: unknown[]) => ({ ...accept(...wanted), offers: [offerId] })
  const before = await stranger.report()
  t.is(await stranger.call(HOSTILE, 'accept', acceptOf(task('stolen'))), 'done')
  t.is(await stranger.counted('accepts-of-lost-offers', before), 1, 'its task is dropped')
  t.is(await stranger.counted('tasks-launched', before), 0)

  const raw = (body: unknown) => stranger.call(polite.frameworkId, 'accept', body)
  const much = task('much', { cpus: 100_000 })
  t.is(await raw(acceptOf(task('one'), task('one'), much)), 'done')
  t.is(await stranger.counted('tasks-launched', before), 1)
  t.is(await stranger.counted('tasks-invalid', before), 1)
  t.is(await stranger.counted('task-ids-in-use', before), 1)
  t.is(await raw(acceptOf(task('again'))), 'used')
  await polite.teardown()
})

/** More than the lines and answers that it may cost. */
const REFUSED_MIN = 1_000

hostile('a flood of one framework is throttled, and answered now and then', async (t) => {
  const before = await stranger.report()
  const flooder = await openStranger(cluster.server.url)
  t.teardown(() => flooder.close())
  let answers = 0
  const reply = `${flooder.bus.inbox}.flood`
  flooder.bus.subscribe(reply, ({ payload }) => {
    if (Buffer.from(payload).includes('too-many')) answers += 1
  })
  // Each counts as 49 calls, so that a busy machine, too, says more than is admitted.
  const payload = encode({ filler: 'x'.repeat(25_000) })
  const subject = callOf(HOSTILE, 'pong')
  const running = aTaskRuns(t)
  // Less at once than makes the server cut its reader off.
  do {
    for (let i = 0; i < 480; i++) flooder.say(subject, payload, reply)
    await flooder.bus.flush()
  } while ((await stranger.counted('refused.too-many', before)) < REFUSED_MIN)
  await running
  const warnings = actors[0]?.lines.filter(({ message }) => message.startsWith('refused')) ?? []
  t.true(warnings.length < 120, `${warnings.length} lines were logged`)
  t.true(answers > 0 && answers < REFUSED_MIN, `${answers} were answered`)
})

hostile('beats of strangers: absurd ones change nothing, higher ones are topped', async (t) => {
  const before = await stranger.report()
  const beat = (epoch: number): Uint8Array => {
    const version = { min: 1, max: 1 }
    return encode({ epoch, run: '00000000000000ff', master: 'stranger', version })
  }
  const subject = leaderBeat.to({ cluster: 'bourse' })
  stranger.say(subject, beat(Number.MAX_SAFE_INTEGER))
  stranger.say(subject, beat(2 ** 52))
  await t.notThrowsAsync(stranger.counts('epoch-jumps-refused', before))
  t.is((await stranger.report()).epoch, before.epoch)
  await aTaskRuns(t)
  for (const jump of [1, 2, 3]) stranger.say(subject, beat(before.epoch + jump * EPOCH_JUMP_MAX))
  await aTaskRuns(t)
  t.true((await stranger.report()).epoch > before.epoch + EPOCH_JUMP_MAX)
})

/** A framework comes, runs a task to its end, and goes. */
async function aTaskRuns(t: ExecutionContext): Promise<void> {
  const polite = await openScheduler({ name: 'polite', nats: cluster.server.url })
  t.teardown(() => polite.close())
  const statuses = polite.statuses()
  for await (const offer of polite.offers()) {
    const { outcome } = await offer.accept([
      { command: 'echo polite', resources: { cpus: 0.1, mem: 16 } },
    ])
    if (outcome === 'done') break
  }
  for await (const { state } of statuses)
    if (isTerminal(state)) {
      t.is(state, 'TASK_FINISHED')
      break
    }
  await polite.teardown()
}
