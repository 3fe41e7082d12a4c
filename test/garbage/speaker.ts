/** Makes what strangers say: of the same seed and number the same, but for what they have heard. */
import { nextInteger, type Random, seededRandom } from '../../actors/parts/random.ts'
import { decode, encode } from '../../bus/codec.ts'
import { check } from '../../protocol/check.ts'
import { LEASE_KEY, leaseBucket, registryLog } from '../../protocol/subjects.ts'
import { corpus, type Example } from '../support/corpus.ts'
import { chance, mutateBytes, mutateValue, noise, pick } from './mutate.ts'
import { AGENTS, CLUSTER, GARBAGE, STRANGER, type Target, targets, VICTIM } from './targets.ts'

export interface Said {
  /** Its route, or the store. */
  readonly on: string
  /** Who has the right to say it. */
  readonly user: string
  readonly subject: string
  readonly payload: Uint8Array
  readonly reply?: string
}

export interface StrangerSession {
  readonly session: string
  /** The last number said. */
  n: number
}

/** What the strangers have heard: with it they get further. */
export interface Heard {
  readonly inbox: string
  epoch: number
  run: string
  /** The sessions that they have opened, by route. */
  readonly sessions: Map<string, StrangerSession>
  /** Offers of the strangers' own framework. */
  readonly offers: string[]
}

const KNOWN_IDS = [...AGENTS, VICTIM, GARBAGE, STRANGER, 'm1', 'local', 'f-1', 'echo-1']
/** Those that operators may end without harm to the ones who are watched. */
const OTHERS = KNOWN_IDS.filter((id) => id !== VICTIM && !AGENTS.includes(id))
/** The server takes no more. */
const BYTES_MAX = 500_000
const BAD_IDS = ['explode', '*', '>', 'é', 'x'.repeat(65), '', '%00', '$JS']
/** Subjects that a wise actor publishes nothing on, whoever asks. */
const BAD_REPLIES = [
  `$JS.API.STREAM.DELETE.KV_${leaseBucket(CLUSTER)}`,
  `$KV.${leaseBucket(CLUSTER)}.${LEASE_KEY}`,
  '*',
  '>',
]
/**
 * The server itself answers what it stores, wherever it is told to: a lease would end each time.
 */
const STORED: ReadonlySet<string> = new Set(['clusterEvents', 'frameworkWorldEvents'])
/** Records of stores are rare: each ends a lead, and nothing else would be heard meanwhile. */
const STORES_PART = 0.0001
const FORGED_BEATS_PART = 0.001
const FORGED_ALLOCATORS_PART = 0.01

export class Speaker {
  readonly targets: readonly Target[] = targets()
  readonly #examples: ReadonlyMap<string, readonly Example[]> = corpus()
  readonly #seed: number
  readonly #heard: Heard

  constructor(seed: number, heard: Heard) {
    this.#seed = seed
    this.#heard = heard
  }

  /** Message number `i`. The first ones go once to each subject. */
  say(i: number): Said {
    const random = seededRandom(hexOf(this.#seed) + hexOf(i) + hexOf(~i) + hexOf(i * 7 + 1))
    const first = this.targets[i]
    if (first === undefined && chance(random, STORES_PART)) return this.#store(random)
    const target = first ?? pick(random, this.targets)
    const payload = this.#payload(random, target)
    const reply = STORED.has(target.route) ? undefined : this.#reply(random)
    const { principal, subject } = subjectOf(random, target)
    const user = target.user.replace('*', principal)
    return { on: target.route, user, subject, payload, ...(reply !== undefined && { reply }) }
  }

  #payload(random: Random, target: Target): Uint8Array {
    if (chance(random, 0.05)) return noise(random)
    const example = pick(random, this.#examples.get(target.message) ?? [{}])
    const isGood = chance(random, 0.15)
    // An operator may end what the others need.
    const ids = target.route === 'operatorCall' ? OTHERS : KNOWN_IDS
    const spoiled = isGood ? structuredClone(example) : mutateValue(random, example, ids)
    const bytes = encode(this.#inContext(random, target, spoiled))
    const payload = (chance(random, 0.3) ? mutateBytes(random, bytes) : bytes).slice(0, BYTES_MAX)
    this.#noteNumber(target, payload)
    return payload
  }

  /** What is refused at the edge takes no number: the session goes on. */
  #noteNumber({ route, message }: Target, payload: Uint8Array): void {
    const session = this.#heard.sessions.get(route)
    const decoded = decode(payload)
    if (session === undefined || !decoded.ok || !check(message, decoded.value).ok) return
    const { session: id, n } = decoded.value as { session?: unknown; n?: unknown }
    if (id === session.session && n === session.n + 1) session.n += 1
  }

  #reply(random: Random): string | undefined {
    if (chance(random, 0.5)) return undefined
    return chance(random, 0.1)
      ? pick(random, BAD_REPLIES)
      : `${this.#heard.inbox}.${nextInteger(random, 0, 1e6)}`
  }

  /** Puts in what makes receivers read on: sessions, numbers and epochs of now. */
  #inContext(random: Random, { route }: Target, value: unknown): unknown {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const fields = value as Fields
    if (route === 'leaderBeat') return this.#beat(random, fields)
    if (OF_LEADER.has(route)) {
      // In the leader's name, but in a session that nobody has opened.
      const { epoch, run } = this.#heard
      return { ...fields, ...(chance(random, 0.7) && { epoch, run }), session: OTHER_SESSION }
    }
    if (route === 'frameworkCall') this.#asFramework(random, fields)
    if (route === 'agentReports' && !chance(random, FORGED_BEATS_PART)) complainOfNobody(fields)
    const isForged = chance(random, FORGED_ALLOCATORS_PART)
    if (route === 'allocatorReports' && isOpen(fields) && !isForged) fields['n'] = 2
    const session = this.#heard.sessions.get(route)
    if (session === undefined || !chance(random, 0.7)) return fields
    return { ...fields, session: session.session, n: session.n + 1 }
  }

  /** Seldom of a leader that all follow: each of them ends the lead. */
  #beat(random: Random, fields: Fields): Fields {
    if (chance(random, FORGED_BEATS_PART)) {
      return { ...fields, epoch: this.#heard.epoch + nextInteger(random, 1, 4) }
    }
    const { epoch } = fields
    return typeof epoch === 'number' && epoch < 2 ** 30 ? { ...fields, epoch: 0 } : fields
  }

  #asFramework(random: Random, fields: Fields): void {
    const { offers } = this.#heard
    if (chance(random, 0.8)) delete fields['epoch']
    const mayUse = Array.isArray(fields['offers']) && offers.length > 0
    if (mayUse && chance(random, 0.5)) fields['offers'] = [pick(random, offers)]
  }

  #store(random: Random): Said {
    const isLease = chance(random, 0.5)
    const name = isLease ? 'LeaseRecord' : 'RegistryBatch'
    const example = pick(random, this.#examples.get(name) ?? [{}])
    const value = mutateValue(random, example, KNOWN_IDS)
    const bytes = encode(value)
    const payload = chance(random, 0.3) ? mutateBytes(random, bytes) : bytes
    const subject = isLease
      ? `$KV.${leaseBucket(CLUSTER)}.${LEASE_KEY}`
      : `$LOG.${registryLog(CLUSTER)}`
    return { on: name, user: 'master stranger', subject, payload }
  }
}

type Fields = Record<string, unknown>

const OTHER_SESSION = 'dead00000000beef'
const OF_LEADER: ReadonlySet<string> = new Set([
  'agentOrders',
  'allocatorFigures',
  'frameworkEvents',
])

/** An agent that is let in may lift the epoch: each time that ends the lead. */
function complainOfNobody({ reports }: Fields): void {
  if (!Array.isArray(reports)) return
  for (const report of reports as readonly { highest?: { epoch?: unknown } }[])
    if (typeof report?.highest?.epoch === 'number') report.highest.epoch = 0
}

const isOpen = ({ reports }: Fields): boolean =>
  Array.isArray(reports) &&
  reports.some((report) => (report as { kind?: unknown })?.kind === 'open')

const hexOf = (n: number): string => (n >>> 0).toString(16).padStart(8, '0')

/** Now and then with an id that is none. */
function subjectOf(
  random: Random,
  { parsed, ids }: Target,
): { readonly principal: string; readonly subject: string } {
  const names = Object.keys(ids)
  const filled = Object.fromEntries(names.map((name) => [name, pick(random, ids[name] ?? [])]))
  const { principal = '' } = filled
  const subject = parsed.to(filled)
  if (!chance(random, 0.02)) return { principal, subject }
  const tokens = subject.split('.')
  tokens[nextInteger(random, 1, tokens.length)] = pick(random, BAD_IDS)
  return { principal, subject: tokens.filter((token) => token !== '').join('.') }
}
