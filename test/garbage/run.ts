/** A cluster of real processes, and strangers who say a lot to it. */
import { readFileSync } from 'node:fs'
import { openScheduler, type Scheduler } from '../../actors/scheduler/scheduler.ts'
import { sleep } from '../../bus/clock.ts'
import { decode, encode } from '../../bus/codec.ts'
import { check } from '../../protocol/check.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { FrameworkId, Principal } from '../../protocol/ids.ts'
import type { MasterReport } from '../../protocol/schema/operator.ts'
import {
  agentReports,
  allocatorReports,
  frameworkCall,
  frameworkEvents,
  inboxOf,
  leaderBeat,
} from '../../protocol/subjects.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { PROTOCOL_VERSIONS } from '../../protocol/version.ts'
import type { Actor } from '../support/cluster.ts'
import { callOf, openStranger, type Stranger } from '../support/stranger.ts'
import { openPlace, openSecuredPlace, type Place } from './places.ts'
import { type Heard, type Said, Speaker } from './speaker.ts'
import { CLUSTER, GARBAGE, STRANGER, VICTIM } from './targets.ts'

export interface GarbageOptions {
  readonly messages: number
  readonly seed: number
  /** Each speaks with the credentials of such a user. Default: nobody needs any. */
  readonly withCredentials?: boolean
  /** Called now and then. */
  readonly onProgress?: (said: number) => void
}

export interface Outcome {
  readonly subjects: number
  readonly messages: number
  /** By name, all actors together. */
  readonly refused: ReadonlyMap<string, number>
  /** What leaders have counted. */
  readonly counters: ReadonlyMap<string, number>
  /** Changes of the leader. */
  readonly leads: number
  /** Tasks of the victim that ran to their end meanwhile. */
  readonly tasks: number
  readonly seconds: number
  /** MiB before and after, by actor. */
  readonly rssMib: ReadonlyMap<string, readonly [number, number]>
}

/** Said between two looks at the actors. */
const ROW = 250
/** Strangers open sessions anew, for most end soon. */
const REOPEN_EVERY = 500
/** Of so many messages, from the one to the other a stranger is the allocator. */
const ALLOCATOR_EVERY = 50_000
const ALLOCATOR_FROM = 3_000
const ALLOCATOR_TO = 3_500

/**
 * Says `messages` messages, and looks whether anybody died. Afterwards a task of a newcomer runs.
 * @throws {Error} An actor has ended, or nobody leads; the last messages are in it.
 */
export async function runGarbage(options: GarbageOptions): Promise<Outcome> {
  const place = await (options.withCredentials ? openSecuredPlace() : openPlace())
  try {
    return await runIn(place, options)
  } finally {
    await place.close()
  }
}

async function startActors(
  place: Place,
  { withCredentials = false }: GarbageOptions,
): Promise<ReadonlyMap<string, Actor>> {
  const start = (...[user, ...args]: readonly [string, ...string[]]) => place.start(user, ...args)
  const quick = ['--offer-timeout', '1s']
  // With credentials each agent is a user.
  const count = withCredentials ? '1' : '8'
  return new Map([
    ['master m1', await start('master m1', 'master', '--id', 'm1', ...quick)],
    ['master m2', await start('master m2', 'master', '--id', 'm2', ...quick)],
    ['allocator', await start('allocator a1', 'allocator')],
    ['agents', await start('agent e-1', 'agent', '--id', 'e', '--emulate', count)],
  ])
}

/** A connection for each who speaks, or one for all of them. */
class Crowd {
  readonly #place: Place
  readonly #connections = new Map<string, Stranger>()

  constructor(place: Place) {
    this.#place = place
  }

  async join(user: string): Promise<Stranger> {
    const known = this.#connections.get(user)
    if (known !== undefined) return known
    const [kind = '', id = ''] = user.split(' ')
    const inbox = inboxOf(CLUSTER, kind, `${id}.${GARBAGE}`)
    const opened = await openStranger(this.#place.locationOf(user), inbox)
    this.#connections.set(user, opened)
    return opened
  }

  async close(): Promise<void> {
    for (const connection of this.#connections.values()) await connection.close()
  }
}

async function runIn(place: Place, options: GarbageOptions): Promise<Outcome> {
  const { messages, seed, onProgress = () => undefined } = options
  const actors = await startActors(place, options)
  const crowd = new Crowd(place)
  const stranger = await crowd.join('operator local')
  const victim = await openVictim(place)
  const heard = listen(await crowd.join('framework local'))
  await victim.ran()
  const speaker = new Speaker(seed, heard)
  const rssBefore = rssOf(actors)
  const begunMs = performance.now()
  const reports = new Reports()
  let row: Said[] = []
  for (let i = 0; i < messages; i++) {
    if (i % REOPEN_EVERY === 0) await open(crowd, heard, i)
    openAllocator(await crowd.join('allocator stranger'), heard, i)
    const said = speaker.say(i)
    row.push(said)
    const { bus } = await crowd.join(said.user)
    bus.publish(said.subject, said.payload, said.reply === undefined ? {} : { reply: said.reply })
    if (row.length < ROW && i < messages - 1) continue
    reports.add(await look(actors, stranger, { row, seed, from: i - row.length + 1 }))
    row = []
    onProgress(i + 1)
  }
  const seconds = (performance.now() - begunMs) / 1_000
  await endOthers(await crowd.join('framework local'))
  const newcomer = await openVictim(place)
  await newcomer.ran()
  await newcomer.close()
  reports.add(await stranger.report())
  const rssAfter = rssOf(actors)
  requireAlive(actors, { row, seed, from: messages })
  await victim.close()
  await crowd.close()
  await place.close()
  return {
    subjects: speaker.targets.length,
    messages,
    refused: refusedBy(actors, victim.refused),
    counters: reports.counters(),
    leads: countLines(actors, 'leads'),
    tasks: victim.tasks(),
    seconds,
    rssMib: new Map([...rssBefore].map(([name, mib]) => [name, [mib, rssAfter.get(name) ?? 0]])),
  }
}

interface Row {
  readonly row: readonly Said[]
  readonly seed: number
  readonly from: number
}

/** Resolves when the leader has answered: it has heard what was said before. */
async function look(
  actors: ReadonlyMap<string, Actor>,
  stranger: Stranger,
  row: Row,
): Promise<MasterReport> {
  for (let tries = 0; ; tries++) {
    requireAlive(actors, row)
    try {
      return await stranger.report(ANSWER_MS)
    } catch (error) {
      // While the lead changes nobody answers.
      if (!(error instanceof ClusterError)) throw error
      if (tries === LOOKS_MAX) throw new Error(`nobody leads: ${error.message}\n${shown(row)}`)
    }
    await sleep(LOOK_MS)
  }
}

/** The latest of each master: none counts for another. */
class Reports {
  readonly #latest = new Map<string, MasterReport>()

  add(report: MasterReport): void {
    this.#latest.set(report.master, report)
  }

  counters(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>()
    for (const { counters } of this.#latest.values())
      for (const [name, count] of Object.entries(counters))
        sums.set(name, (sums.get(name) ?? 0) + count)
    return sums
  }
}

const ANSWER_MS = 500
const LOOK_MS = 20
const LOOKS_MAX = 3_000

function requireAlive(actors: ReadonlyMap<string, Actor>, row: Row): void {
  for (const [name, actor] of actors) {
    if (actor.isRunning) continue
    const last = actor.lines.slice(-12).map(({ message }) => message)
    throw new Error(`${name} has ended:\n${last.join('\n')}\n${shown(row)}`)
  }
}

const SHOWN_BYTES_MAX = 2_000

function shown({ row, seed, from }: Row): string {
  const lines = row.map(({ on, subject, payload, reply }, i) => {
    const hex = Buffer.from(payload.subarray(0, SHOWN_BYTES_MAX)).toString('hex')
    return `${from + i} ${on} ${subject} ${reply ?? '-'} ${hex}`
  })
  return `seed ${seed}; the last ${row.length} messages:\n${lines.join('\n')}`
}

/** What strangers may overhear. */
function listen({ bus }: Stranger): Heard {
  const heard: Heard = { inbox: bus.inbox, epoch: 0, run: '', sessions: new Map(), offers: [] }
  bus.subscribe(leaderBeat.to({ cluster: CLUSTER }), ({ payload }) => {
    const beat = fieldsOf(payload)
    const { epoch, run } = beat
    if (typeof epoch !== 'number' || typeof run !== 'string' || epoch < heard.epoch) return
    if (typeof beat['master'] !== 'string' || !beat['master'].startsWith('m')) return
    heard.epoch = epoch
    heard.run = run
  })
  bus.subscribe(frameworkEvents.to(GARBAGE_IDS), ({ payload }) => {
    // Strangers speak on this subject, too.
    const checked = check('FrameworkEvents', fieldsOf(payload))
    for (const event of checked.ok ? checked.value.events : [])
      if (event.kind === 'offers') heard.offers.push(...event.offers.map(({ offerId }) => offerId))
    heard.offers.splice(0, Math.max(0, heard.offers.length - 50))
  })
  return heard
}

const GARBAGE_IDS = {
  cluster: CLUSTER,
  principal: 'local' as Principal,
  frameworkId: GARBAGE as FrameworkId,
}

function fieldsOf(payload: Uint8Array): Record<string, unknown> {
  const decoded = decode(payload)
  const isMap = decoded.ok && typeof decoded.value === 'object' && decoded.value !== null
  return isMap ? (decoded.value as Record<string, unknown>) : {}
}

const sessionOf = (i: number, kind: number): string =>
  `${kind.toString(16).padStart(4, '0')}${i.toString(16).padStart(12, '0')}`

/** Sessions of the strangers' own framework and agent. */
async function open(crowd: Crowd, { sessions }: Heard, i: number): Promise<void> {
  const framework = { session: sessionOf(i, 1), n: 1 }
  const agent = { session: sessionOf(i, 2), n: 1 }
  const subscribe = { ...framework, secret: 'the strangers know it', name: GARBAGE }
  const asFramework = await crowd.join('framework local')
  asFramework.say(frameworkCall.to({ ...GARBAGE_IDS, verb: 'subscribe' }), encode(subscribe))
  const info = {
    hostname: 'nowhere',
    resources: [{ name: 'cpus', scalar: 1 }],
    resourcesVersion: 1,
    attributes: [],
  }
  const opens = i + 1
  const register = {
    kind: 'register',
    version: PROTOCOL_VERSIONS,
    incarnation: 1,
    opens,
    info,
    pages: 0,
  }
  const subject = agentReports.to({ cluster: CLUSTER, agentId: STRANGER as never })
  const asAgent = await crowd.join('agent stranger-1')
  asAgent.say(subject, encode({ ...agent, reports: [register] }))
  sessions.set('frameworkCall', framework)
  sessions.set('agentReports', agent)
  sessions.set('statusUpdates', agent)
}

/** For a while a stranger is the allocator; then the real one comes back. */
function openAllocator({ bus }: Stranger, { sessions }: Heard, i: number): void {
  if (i % ALLOCATOR_EVERY === ALLOCATOR_FROM) {
    const session = { session: sessionOf(i, 3), n: 1 }
    const reports = [{ kind: 'open', version: PROTOCOL_VERSIONS }]
    bus.publish(allocatorReports.to({ cluster: CLUSTER }), encode({ ...session, reports }))
    sessions.set('allocatorReports', session)
  } else if (i % ALLOCATOR_EVERY === ALLOCATOR_TO) {
    sessions.delete('allocatorReports')
  }
}

/** The strangers' frameworks want no more: what they held is others'. */
async function endOthers({ bus }: Stranger): Promise<void> {
  for (const frameworkId of [GARBAGE, 'f-1', 'nobody'])
    bus.publish(callOf(frameworkId, 'suppress'), encode({}))
  await bus.flush()
}

interface Victim {
  /** Resolves when one more task has run to its end. */
  ran(): Promise<void>
  tasks(): number
  /** Names of what it refused. */
  readonly refused: readonly string[]
  close(): Promise<void>
}

/** A framework that runs tasks one after another. */
async function openVictim(place: Place): Promise<Victim> {
  const refused: string[] = []
  const scheduler: Scheduler = await openScheduler({
    name: VICTIM,
    nats: place.locationOf('framework local'),
    openTimeoutMs: 120_000,
    onFault: (fault) => {
      const [, name = ''] = fault.message.split(': ')
      const all = Number(/the last of (\d+)/.exec(fault.message)?.[1] ?? 1)
      if (fault.code === 'scheduler/bad-message')
        refused.push(...Array.from({ length: all }, () => name))
    },
  })
  let finished = 0
  const waiting: (() => void)[] = []
  scheduler.onStatus(({ state }) => {
    if (!isTerminal(state)) return
    if (state !== 'TASK_FINISHED') return
    finished += 1
    for (const resolve of waiting.splice(0)) resolve()
  })
  void runTasks(scheduler)
  return {
    ran: () => new Promise((resolve) => waiting.push(resolve)),
    tasks: () => finished,
    refused,
    async close() {
      await scheduler.teardown()
      await scheduler.close()
    },
  }
}

async function runTasks(scheduler: Scheduler): Promise<void> {
  for await (const offer of scheduler.offers())
    await offer.accept([{ command: 'echo', resources: { cpus: 0.1, mem: 16 } }])
}

function refusedBy(
  actors: ReadonlyMap<string, Actor>,
  more: readonly string[],
): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  const add = (name: string, count: number): void =>
    void sums.set(name, (sums.get(name) ?? 0) + count)
  for (const { lines } of actors.values())
    for (const line of lines) {
      const counts = Object.entries(line).filter(([key]) => key.startsWith('refused.'))
      for (const [key, count] of counts) add(key.slice('refused.'.length), Number(count))
      if (counts.length === 0 && typeof line['refusal'] === 'string') add(line['refusal'], 1)
    }
  for (const name of more) add(name, 1)
  return sums
}

const countLines = (actors: ReadonlyMap<string, Actor>, message: string): number =>
  [...actors.values()].flatMap(({ lines }) => lines).filter((line) => line.message === message)
    .length

function rssOf(actors: ReadonlyMap<string, Actor>): ReadonlyMap<string, number> {
  return new Map(
    [...actors].map(([name, { pid }]) => {
      const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      return [name, Math.round(Number(kib) / 1_024)]
    }),
  )
}
