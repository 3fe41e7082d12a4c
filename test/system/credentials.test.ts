/** A whole cluster with credentials, and what NATS itself refuses to those who have some. */
import ava from 'ava'
import type { Bus } from '../../bus/bus.ts'
import { openCalls } from '../../bus/calls.ts'
import { systemClock } from '../../bus/clock.ts'
import { encode } from '../../bus/codec.ts'
import { locateNats } from '../../bus/nats/locate.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { randomToken } from '../../bus/random.ts'
import type { ClusterError } from '../../protocol/errors.ts'
import type { AgentId, FrameworkId, MasterId, Principal } from '../../protocol/ids.ts'
import * as subjects from '../../protocol/subjects.ts'
import { Actor, runBourse } from '../support/cluster.ts'
import { type SecuredServer, startSecuredServer } from '../support/secured-server.ts'

const cluster = 'bourse'
const ALICE = { cluster, principal: 'alice' as Principal, frameworkId: 'one' as FrameworkId }
const OTHER = { ...ALICE, frameworkId: 'other' as FrameworkId }
const LOCAL = { cluster, principal: 'local' as Principal, frameworkId: 'f' as FrameworkId }
const A2 = { cluster, agentId: 'a2' as AgentId }
const DELETE_LEASE = `$JS.API.STREAM.DELETE.KV_${subjects.leaseBucket(cluster)}`
const USERS = ['agent a1', 'agent a2', 'framework local --password', 'framework alice one']
const PATIENCE_MS = 10_000

let server: SecuredServer
const actors: Actor[] = []

const test = ava.serial
test.before(async () => {
  server = await startSecuredServer(USERS)
  const start = async (credentials: string, ...args: string[]): Promise<void> => {
    const env = { ...server.env(credentials), BOURSE_STATE_DIR: `${server.folder}/state` }
    const actor = new Actor(args, env)
    actors.push(actor)
    await actor.start()
  }
  await start('master-m1.nk', 'master', '--id', 'm1')
  await start('allocator-a1.nk', 'allocator')
  await start('agent-a1.nk', 'agent', '--id', 'a1')
  await actors[0]?.says('an agent has registered')
})
test.after.always(async () => {
  for (const actor of actors.reverse()) await actor.end()
  await server?.close()
})

interface Connected {
  readonly bus: Bus
  /** What the server forbids next. */
  readonly forbidden: () => Promise<ClusterError>
}

/** A connection with the credentials of that file. */
async function connect(
  t: { teardown(fn: () => Promise<void>): void },
  credentials: string,
  inbox?: string,
): Promise<Connected> {
  const location = locateNats(undefined, server.env(credentials))
  if (location === undefined) throw new Error('the environment names no server')
  let tell: (fault: ClusterError) => void = () => undefined
  const system = natsSystem({ location, onFault: (fault) => tell(fault) })
  const bus = await system.connect({ name: credentials, ...(inbox && { inbox }) })
  t.teardown(() => bus.close())
  return {
    bus,
    forbidden: () =>
      new Promise((resolve) => {
        tell = resolve
      }),
  }
}

const callsOf = (bus: Bus) => openCalls({ bus, clock: systemClock, randomToken })
const bourse = (credentials: string, ...args: string[]) =>
  runBourse({ ...server.env(credentials), BOURSE_STATE_DIR: `${server.folder}/state` }, ...args)

test('a run, a listing and an observer: each with credentials of its own', async (t) => {
  const { bus } = await connect(t, 'observer-local.nk')
  const heard = new Set<string>()
  const listen = (pattern: string, kind: string): void =>
    void bus.subscribe(pattern, () => heard.add(kind))
  listen(subjects.allEvents(cluster), 'event')
  listen(subjects.allUpdates(cluster), 'update')
  await bus.flush()
  const run = await bourse('framework-local.login', 'run', '--', 'echo', 'hello')
  t.like(run, { code: 0, stdout: 'hello\n' }, run.stderr)
  const agents = await bourse('operator-local.nk', 'agents', '--json')
  t.like(JSON.parse(agents.stdout), [{ agentId: 'a1', state: 'registered' }])
  const [{ taskId = '' } = {}]: readonly { taskId?: string }[] = JSON.parse(
    (await bourse('operator-local.nk', 'tasks', '--json')).stdout,
  )
  t.is((await bourse('operator-local.nk', 'logs', taskId)).stdout, 'hello\n')
  await bus.flush()
  t.deepEqual([...heard].sort(), ['event', 'update'])
  const events = await bourse('observer-local.nk', 'events', 'task.*.*.finished')
  t.regex(events.stdout, / task\.finished .*: exit 0\n$/, events.stderr)
})

test('past events are for observers, and for them alone', async (t) => {
  const { code, stdout, stderr } = await bourse('observer-local.nk', 'events', '--json')
  t.is(code, 0, stderr)
  t.true(stdout.includes('TASK_FINISHED'), stdout)
  const operator = await bourse('operator-local.nk', 'events')
  t.is(operator.code, 78)
  t.regex(operator.stderr, /^bourse: the server does not let bourse observer local /)
})

test('whose credentials are not for what is asked hears so at once', async (t) => {
  const asAnother = await bourse('operator-local.nk', 'agents', '--principal', 'eve')
  t.is(asAnother.code, 78)
  t.regex(asAnother.stderr, /^bourse: the server does not let bourse operator eve listen on /)
  const run = await bourse('framework-local.login', 'run', '--principal', 'eve', '--', 'true')
  t.is(run.code, 78)
  t.regex(run.stderr, /^bourse: the server does not let framework-true-\w+ listen on /)
  const events = await bourse('operator-local.nk', 'events')
  t.is(events.code, 78)
  t.regex(events.stderr, /^bourse: the server does not let bourse observer local /)
})

test('an agent with the key of another one ends, and says whose it needs', async (t) => {
  const workDir = `${server.folder}/state/a3`
  const agent = await bourse('agent-a2.nk', 'agent', '--id', 'a3', '--work-dir', workDir)
  t.is(agent.code, 78)
  t.regex(agent.stderr, /these are not the credentials of agent a3: /)
})

const EVERYBODY = [
  'agent-a1.nk',
  'framework-local.login',
  'framework-alice.one.nk',
  'operator-local.nk',
  'observer-local.nk',
  'allocator-a1.nk',
]

/** What each says that it must not; `everybody` is each of the above. */
const SAID: readonly (readonly [who: string, title: string, subject: string])[] = [
  ['framework-alice.one.nk', 'call as a framework of another principal', call(LOCAL)],
  ['framework-alice.one.nk', 'call as another framework of its principal', call(OTHER)],
  ['framework-local.login', 'call as a framework of another principal', call(ALICE)],
  ['framework-alice.one.nk', 'acknowledge for another', ackOf({ ...OTHER, ...A2 })],
  ['framework-local.login', 'call as an operator', operator('local')],
  ['operator-local.nk', 'call as another operator', operator('eve')],
  ['agent-a1.nk', 'report as another agent', subjects.agentReports.to(A2)],
  ['agent-a1.nk', "tell another agent's statuses", subjects.statusUpdates.to({ ...LOCAL, ...A2 })],
  ['agent-a1.nk', "tell another agent's output", subjects.taskOutput.to({ ...LOCAL, ...A2 })],
  ['agent-a1.nk', 'give orders', subjects.agentOrders.to(A2)],
  ['observer-local.nk', 'call as a framework', call(LOCAL)],
  ['observer-local.nk', 'call as an operator', operator('local')],
  [
    'observer-local.nk',
    'tell events',
    subjects.clusterEvents.to({ cluster, kind: 'x', what: 'y' }),
  ],
  ['everybody', 'lead', subjects.leaderBeat.to({ cluster })],
  ['everybody', 'stand by', subjects.peerBeat.to({ cluster, masterId: 'm1' as MasterId })],
  ['everybody', 'make offers', subjects.frameworkEvents.to(LOCAL)],
  ['everybody', 'delete the lease', DELETE_LEASE],
  ['everybody', 'take the lease', `$KV.${subjects.leaseBucket(cluster)}.${subjects.LEASE_KEY}`],
  ['everybody', 'write to the registry', `$LOG.${subjects.registryLog(cluster)}`],
  ['everybody', 'make a consumer', `$JS.API.CONSUMER.CREATE.${subjects.eventStream(cluster)}`],
  ['everybody', "answer in a master's inbox", `${subjects.inboxOf(cluster, 'master', 'm1')}.x`],
  ['everybody', "answer in another's inbox", `${subjects.frameworkInbox(OTHER)}.x`],
]
for (const [who, title, subject] of SAID)
  for (const credentials of who === 'everybody' ? EVERYBODY : [who])
    test(`NATS refuses: ${credentials} may not ${title}`, async (t) => {
      const { bus, forbidden } = await connect(t, credentials)
      const refused = forbidden()
      bus.publish(subject, encode({}))
      const { code, message } = await refused
      t.is(code, 'bus/forbidden')
      t.is(message, `the server does not let ${credentials} publish on ${subject}`)
    })

const HEARD: readonly (readonly [who: string, title: string, pattern: string])[] = [
  ['framework-alice.one.nk', "another's offers", subjects.frameworkEvents.to(LOCAL)],
  ['framework-alice.one.nk', 'offers to its principal', subjects.frameworkEvents.to(OTHER)],
  ['framework-local.login', "another's offers", subjects.frameworkEvents.to(ALICE)],
  ['framework-local.login', "another's statuses", subjects.statusUpdates.on(ALICE)],
  ['framework-local.login', "another's output", subjects.taskOutput.on(ALICE)],
  ['agent-a1.nk', "another agent's orders", subjects.agentOrders.to(A2)],
  ['agent-a1.nk', "another agent's acknowledgements", subjects.acknowledgements.on(A2)],
  ['observer-local.nk', 'offers', subjects.frameworkEvents.on({ cluster })],
  ['observer-local.nk', 'output', subjects.taskOutput.on({ cluster })],
  ['everybody', 'calls of frameworks', subjects.frameworkCall.on({ cluster })],
  ['everybody', 'everything', '>'],
  ['everybody', 'the whole cluster', `${cluster}.>`],
  ['everybody', 'every inbox', '_INBOX.>'],
  ['everybody', "a master's inbox", `${subjects.inboxOf(cluster, 'master', 'm1')}.>`],
  ['everybody', "another's inbox", `${subjects.frameworkInbox(OTHER)}.>`],
]
for (const [who, title, pattern] of HEARD)
  for (const credentials of who === 'everybody' ? EVERYBODY : [who])
    test(`NATS refuses: ${credentials} may not hear ${title}`, async (t) => {
      const { bus, forbidden } = await connect(t, credentials)
      const refused = forbidden()
      bus.subscribe(pattern, () => t.fail('heard something'))
      const { code, message } = await refused
      t.is(code, 'bus/forbidden')
      t.is(message, `the server does not let ${credentials} listen on ${pattern}`)
    })

test('a call whose answer should go elsewhere is not answered there', async (t) => {
  const alice = await connect(t, 'framework-alice.one.nk', subjects.frameworkInbox(ALICE))
  const local = await connect(t, 'framework-local.login')
  const stray: string[] = []
  local.bus.subscribe(`${subjects.frameworkInbox(LOCAL)}.>`, ({ subject }) => stray.push(subject))
  await local.bus.flush()
  const before = await leaseRevision(t)
  for (const reply of [`${subjects.frameworkInbox(LOCAL)}.x`, DELETE_LEASE])
    alice.bus.publish(call(ALICE), encode({ nonsense: true }), { reply })
  // Nobody is there: the server itself says so to the reply subject, with an empty message.
  const nobody = ackOf({ ...ALICE, agentId: 'nobody' as AgentId })
  alice.bus.publish(nobody, encode({}), { reply: DELETE_LEASE })
  // The master takes calls of one connection in turn: this answer comes after those.
  const answer = callsOf(alice.bus).call(call(ALICE), encode({ nonsense: true }), PATIENCE_MS)
  await t.throwsAsync(answer, { code: 'bus/refused' })
  await local.bus.flush()
  t.deepEqual(stray, [])
  t.true((await leaseRevision(t)) >= before)
})

test('what an observer asks the history is answered to observers alone', async (t) => {
  const inbox = subjects.inboxOf(cluster, 'observer', 'local')
  const { bus } = await connect(t, 'observer-local.nk', inbox)
  const a2 = await connect(t, 'agent-a2.nk')
  const orders: string[] = []
  a2.bus.subscribe(subjects.agentOrders.to(A2), ({ subject }) => orders.push(subject))
  await a2.bus.flush()
  const before = await leaseRevision(t)
  const questions = subjects.historyQuestions(subjects.eventStream(cluster))
  const found = JSON.stringify({ last_by_subj: subjects.allEvents(cluster) })
  const missing = JSON.stringify({ last_by_subj: `${cluster}.event.no.such` })
  const ask = (question: string, reply: string): void =>
    bus.publish(questions, Buffer.from(question), { reply })
  ask(found, subjects.agentOrders.to(A2))
  // In one account with the streams this would be the end of the lease.
  ask(missing, DELETE_LEASE)
  const answered = new Promise<number>((resolve) => {
    bus.subscribe(`${inbox}.mine`, ({ payload }) => resolve(payload.length))
  })
  ask(found, `${inbox}.mine`)
  t.true((await answered) > 0)
  await a2.bus.flush()
  t.deepEqual(orders, [])
  t.true((await leaseRevision(t)) >= before)
})

test('users come and go while the server runs, and nobody else notices', async (t) => {
  await server.add('agent a3')
  const { bus } = await connect(t, 'agent-a3.nk')
  const disconnected = new Promise<string>((resolve) => bus.onState(resolve))
  const credentials = server.env('agent-a3.nk')
  const a2 = await connect(t, 'agent-a2.nk')
  const changes: string[] = []
  a2.bus.onState((state) => changes.push(state))
  await server.remove('agent a3')
  t.is(await disconnected, 'disconnected')
  t.false((await runBourse(credentials, 'agents')).code === 0)
  await a2.bus.flush()
  t.deepEqual(changes, [])
  t.is((await bourse('framework-local.login', 'run', '--', 'true')).code, 0)
})

test('who is a user no more is told so once, however often it dials', async (t) => {
  await server.add('agent a4')
  const told: ClusterError[] = []
  const location = locateNats(undefined, server.env('agent-a4.nk'))
  if (location === undefined) throw new Error('the environment names no server')
  const system = natsSystem({ location, onFault: (fault) => told.push(fault) })
  const bus = await system.connect({ name: 'agent a4' })
  t.teardown(() => bus.close())
  const a2 = await connect(t, 'agent-a2.nk')
  const refusals = (): number => server.log().split('authentication error').length
  const before = refusals()
  await server.remove('agent a4')
  while (refusals() < before + 3) await a2.bus.flush()
  t.deepEqual(
    told.map(({ code, message }) => `${code}: ${message}`),
    [
      'bus/no-access: the server refuses agent a4: it does not know these credentials any more; start it again with new ones (it goes on trying)',
    ],
  )
})

/** It rises with each renewal, and would begin again if the bucket had been deleted. */
async function leaseRevision(t: { teardown(fn: () => Promise<void>): void }): Promise<number> {
  const location = locateNats(undefined, server.env('master-m1.nk'))
  if (location === undefined) throw new Error('the environment names no server')
  const system = natsSystem({ location })
  const inbox = `${subjects.inboxOf(cluster, 'master', 'm1')}.test`
  const bus = await system.connect({ name: 'looks at the lease', inbox })
  t.teardown(() => bus.close())
  const bucket = await system.keyValue(bus, subjects.leaseBucket(cluster))
  return (await bucket.read(subjects.LEASE_KEY))?.revision ?? 0
}

function call(ids: typeof ALICE): string {
  return subjects.frameworkCall.to({ ...ids, verb: 'reconcile' })
}
function ackOf(ids: typeof ALICE & typeof A2): string {
  return subjects.acknowledgements.to(ids)
}
function operator(principal: string): string {
  return subjects.operatorCall.to({ cluster, principal: principal as Principal, verb: 'agents' })
}
