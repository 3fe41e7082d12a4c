/** Asks the leader what operators may ask, and waits a moment while there is none. */
import type { Bus } from '../bus/bus.ts'
import { type Clock, systemClock } from '../bus/clock.ts'
import { type Messenger, openMessenger } from '../bus/messenger.ts'
import { watchForbidden } from '../bus/nats/forbidden.ts'
import { isOpenLocation } from '../bus/nats/locate.ts'
import { healthOfBucket, type StoreHealth } from '../bus/nats/store-health.ts'
import { natsSystem } from '../bus/nats/system.ts'
import { randomToken } from '../bus/random.ts'
import { RefusedError } from '../bus/service.ts'
import { check } from '../protocol/check.ts'
import { ClusterError } from '../protocol/errors.ts'
import type { Principal } from '../protocol/ids.ts'
import type { Message } from '../protocol/schema/messages.ts'
import {
  inboxOf,
  leaseBucket,
  OPERATOR_ANSWERS,
  type OPERATOR_VERBS,
  type OperatorVerb,
  operatorCall,
} from '../protocol/subjects.ts'
import {
  type ClusterOptions,
  type FoundCluster,
  findCluster,
  LOCAL_PRINCIPAL,
  principalOf,
} from './find-cluster.ts'

/** All tries of one call together. */
const ASK_MS_MAX = 1_200
/** One try: a leader that has just died takes its calls with it. */
const TRY_MS_MAX = 800
const PAUSE_MS = 100
/** For the store to answer, when no leader has. */
const STORE_MS_MAX = 500

export type ListingVerb = 'agents' | 'frameworks' | 'tasks' | 'offers' | 'roles'
type Body<V extends OperatorVerb> = Message<(typeof OPERATOR_VERBS)[V]>
type Answer<V extends OperatorVerb> = Message<(typeof OPERATOR_ANSWERS)[V]>
export type Item<V extends ListingVerb> = Answer<V>['items'][number]

export interface OperatorClient {
  readonly cluster: string
  readonly messenger: Messenger
  readonly clock: Clock
  /**
   * All calls may be repeated, and are.
   * @throws {ClusterError} `cli/no-leader`; `bus/refused`: what the leader says to the call;
   * `bus/forbidden`: the server does not let this operator speak.
   */
  ask<V extends OperatorVerb>(verb: V, body: Body<V>): Promise<Answer<V>>
  /** All pages of a listing. `prefix`: of any id in an item. */
  list<V extends ListingVerb>(verb: V, prefix?: string): AsyncGenerator<readonly Item<V>[]>
  close(): Promise<void>
}

/**
 * Lends a client to `use`. The connection's end is not waited for: the process ends anyway.
 *
 * @throws {ClusterError} what `findCluster`, `openOperatorClient` and `use` throw.
 */
export async function withOperator<T>(
  options: ClusterOptions,
  env: Readonly<Record<string, string | undefined>>,
  use: (client: OperatorClient) => Promise<T>,
): Promise<T> {
  const principal = principalOf(options, env)
  const client = await openOperatorClient(findCluster(options, env), principal)
  try {
    return await use(client)
  } finally {
    void client.close()
  }
}

/** @throws {ClusterError} `bus/no-server`, `bus/no-access`, `bus/credentials`. */
export async function openOperatorClient(
  { location, cluster }: FoundCluster,
  principal: Principal = LOCAL_PRINCIPAL,
): Promise<OperatorClient> {
  const inbox = location.inboxPrefix ?? inboxOf(cluster, 'operator', principal)
  const name = `${cluster} operator ${principal}`
  const isOpen = isOpenLocation(location)
  const { forbidden, onFault } = watchForbidden()
  const bus = await natsSystem({ location, onFault }).connect({ name, inbox })
  const client = { bus, clock: systemClock, cluster, principal, isOpen, forbidden }
  // With credentials, an operator may not ask that.
  if (!isOpen) return operatorClient(client)
  const asking = { clock: systemClock, timeoutMs: STORE_MS_MAX }
  const askStore = () => healthOfBucket(bus, leaseBucket(cluster), asking)
  return operatorClient({ ...client, askStore })
}

export interface OperatorClientDeps {
  readonly bus: Bus
  readonly clock: Clock
  readonly cluster: string
  readonly principal: Principal
  readonly isOpen: boolean
  /** Rejects when the server forbids something: no answer will come. Default: it never does. */
  readonly forbidden?: Promise<never>
  /** Looks whether the store answers in which the lease is. Default: nobody knows. */
  readonly askStore?: () => Promise<StoreHealth>
}

/** Takes over `bus`. */
export function operatorClient({
  bus,
  clock,
  cluster,
  principal,
  isOpen,
  forbidden,
  askStore,
}: OperatorClientDeps): OperatorClient {
  // Nothing is served here: nobody is refused.
  const messenger = openMessenger({ bus, clock, randomToken, isOpen, onRefused: () => undefined })
  const client: OperatorClient = {
    cluster,
    messenger,
    clock,
    async ask(verb, body) {
      const deadlineMs = clock.now().monotonicMs + ASK_MS_MAX
      const ids = { cluster, principal, verb }
      for (;;) {
        const timeoutMs = Math.min(TRY_MS_MAX, deadlineMs - clock.now().monotonicMs)
        try {
          const answer = messenger.call(operatorCall, ids, { body, timeoutMs })
          return checked(verb, await (forbidden ? Promise.race([answer, forbidden]) : answer))
        } catch (error) {
          if (!isWorthAnotherTry(error)) throw inWords(error)
          if (clock.now().monotonicMs + PAUSE_MS >= deadlineMs)
            throw noLeader(cluster, error, await askStore?.())
        }
        await new Promise<void>((resolve) => void clock.after(PAUSE_MS, resolve))
      }
    },
    async *list(verb, prefix) {
      const body: Message<'Listing'> = prefix === undefined ? {} : { prefix }
      for (;;) {
        const page = await client.ask(verb, body as Body<typeof verb>)
        yield page.items
        if (page.next === undefined) return
        body.after = page.next
      }
    },
    async close() {
      messenger.close()
      await bus.close()
    },
  }
  return client
}

/** People know no subjects. */
const inWords = (error: unknown): unknown =>
  error instanceof RefusedError ? new RefusedError('the leader', error.refusal) : error

function isWorthAnotherTry(error: unknown): error is ClusterError {
  if (error instanceof RefusedError) return error.retry === 'later'
  return error instanceof ClusterError && /^bus\/(no-responders|call-timeout)$/.test(error.code)
}

function noLeader(
  cluster: string,
  cause: ClusterError,
  store: StoreHealth = 'answers',
): ClusterError {
  const message = `no master leads cluster ${cluster} just now${WITHOUT_STORE[store]}`
  return new ClusterError('cli/no-leader', 'later', message, { cause })
}

const WITHOUT_STORE: Readonly<Record<StoreHealth, string>> = {
  answers: '',
  silent: ': the NATS store, without which nobody leads, does not answer',
  'no-majority':
    ': of the NATS servers that store, no majority is there, and without it nobody leads',
}

function checked<V extends OperatorVerb>(verb: V, answer: unknown): Answer<V> {
  const name = OPERATOR_ANSWERS[verb]
  const outcome = check(name, answer)
  if (outcome.ok) return outcome.value as Answer<V>
  throw new ClusterError('bus/bad-answer', 'never', `${verb}: ${outcome.refusal.message}`)
}
