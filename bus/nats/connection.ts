/** One NATS connection as a `Bus`. */
import {
  AuthorizationError,
  type Msg,
  type NatsConnection,
  headers as natsHeaders,
  PermissionViolationError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node'
import { ClusterError } from '../../protocol/errors.ts'
import type { Bus, BusMessage, ConnectionState, PublishOptions, Subscription } from '../bus.ts'
import type { Clock } from '../clock.ts'
import { cutOff } from './client-internals.ts'
import { headersOf } from './headers.ts'
import { Subscriptions } from './subscriptions.ts'

const NO_RESPONDERS = 503
/** Who is refused dials several times a second, and tells of it no more often than this. */
const REFUSED_TOLD_MS = 60_000

export interface ConnectionDeps {
  readonly name: string
  readonly inbox: string
  readonly clock: Clock
  /** The server forbade something, or broke the protocol: what it was is in the error. */
  readonly onFault: (fault: ClusterError) => void
}

/** Takes over `connection`, which is connected. */
export function natsBus(connection: NatsConnection, deps: ConnectionDeps): Bus {
  const { name, inbox, clock } = deps
  const states = new States()
  const faults = new Faults(deps)
  // The client would keep it until it dials again, and drop it then.
  const outgoing = new Outgoing(
    connection,
    () => states.now === 'connected' && !connection.isClosed(),
  )

  const follow = async (): Promise<void> => {
    for await (const status of connection.status()) {
      if (status.type === 'staleConnection') cutOff(connection)
      if (status.type === 'disconnect') states.change('disconnected')
      if (status.type === 'reconnect') {
        faults.isKnown()
        states.change('connected')
      }
      if (status.type === 'error' && !subscriptions.isRepeated(status.error))
        faults.tell(status.error.message, status.error)
    }
    states.change('closed')
  }
  const flush = async (): Promise<void> => {
    try {
      if (states.now !== 'connected') throw new Error(states.now)
      outgoing.handOver()
      await connection.flush()
    } catch (cause) {
      throw new ClusterError('bus/disconnected', 'later', `${name} lost its server`, { cause })
    }
  }
  const onBack = (): void => {
    if (states.now !== 'connected') return
    states.change('disconnected')
    states.change('connected')
  }
  const subscriptions = new Subscriptions({ connection, clock, flush, onBack })
  void follow()

  return {
    name,
    inbox,
    get state() {
      return states.now
    },
    publish: (subject, payload, options) => outgoing.add({ subject, payload, options }),
    subscribe(subject, handle) {
      outgoing.handOver()
      return subscriptions.open(subject, (error, message) => {
        if (error) faults.tell(`subscription ${subject} ended`, error)
        else guarded(() => handle(busMessage(message)))
      })
    },
    onState: (handle) => states.listen(handle),
    flush,
    async close() {
      if (states.now === 'closed') return
      outgoing.handOver()
      // What was published before is on its way, if there is one.
      if (states.now === 'connected') await connection.flush().catch(() => undefined)
      await connection.close()
      states.change('closed')
    },
  }
}

class States {
  #now: ConnectionState = 'connected'
  readonly #listeners = new Set<(state: ConnectionState) => void>()

  get now(): ConnectionState {
    return this.#now
  }

  change(next: ConnectionState): void {
    if (this.#now === next || this.#now === 'closed') return
    this.#now = next
    for (const listener of this.#listeners) guarded(() => listener(next))
  }

  listen(handle: (state: ConnectionState) => void): Subscription {
    this.#listeners.add(handle)
    return { close: () => void this.#listeners.delete(handle) }
  }
}

interface OutgoingMessage {
  readonly subject: string
  readonly payload: Uint8Array
  readonly options: PublishOptions | undefined
}

/**
 * Holds what is published for as long as promises go on being fulfilled: the client writes to its
 * socket once for each microtask that publishes, and a framework that awaits its calls one after
 * the other would pay a system call for each, and another in the server.
 */
class Outgoing {
  readonly #connection: NatsConnection
  readonly #canSend: () => boolean
  #held: OutgoingMessage[] = []

  constructor(connection: NatsConnection, canSend: () => boolean) {
    this.#connection = connection
    this.#canSend = canSend
  }

  add(message: OutgoingMessage): void {
    if (!this.#canSend()) return
    // After the callback that runs now; if that is a promise's, after all that are fulfilled, too.
    if (this.#held.length === 0) process.nextTick(() => this.handOver())
    this.#held.push(message)
  }

  /** Before anything else is said to the server: order is kept. */
  handOver(): void {
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    if (!this.#canSend()) return
    for (const { subject, payload, options } of held) {
      this.#connection.publish(subject, payload, publishOptions(options))
    }
  }
}

/** Tells what the server says is wrong. */
class Faults {
  readonly #name: string
  readonly #clock: Clock
  readonly #onFault: (fault: ClusterError) => void
  #refusedToldAtMs = Number.NEGATIVE_INFINITY

  constructor({ name, clock, onFault }: ConnectionDeps) {
    this.#name = name
    this.#clock = clock
    this.#onFault = onFault
  }

  tell(what: string, cause: Error): void {
    if (cause instanceof AuthorizationError || cause instanceof UserAuthenticationExpiredError)
      this.#tellRefused(cause)
    else if (cause instanceof PermissionViolationError) this.#onFault(forbidden(this.#name, cause))
    else
      this.#onFault(
        new ClusterError('bus/server-error', 'later', `${this.#name}: ${what}`, { cause }),
      )
  }

  /** The server has taken the credentials: a refusal after that is news. */
  isKnown(): void {
    this.#refusedToldAtMs = Number.NEGATIVE_INFINITY
  }

  #tellRefused(cause: Error): void {
    const { monotonicMs } = this.#clock.now()
    if (monotonicMs - this.#refusedToldAtMs < REFUSED_TOLD_MS) return
    this.#refusedToldAtMs = monotonicMs
    const message = `the server refuses ${this.#name}: it does not know these credentials any more; start it again with new ones (it goes on trying)`
    this.#onFault(new ClusterError('bus/no-access', 'never', message, { cause }))
  }
}

export function forbidden(name: string, cause: PermissionViolationError): ClusterError {
  const what = cause.operation === 'publish' ? 'publish on' : 'listen on'
  const message = `the server does not let ${name} ${what} ${cause.subject}`
  return new ClusterError('bus/forbidden', 'never', message, { cause })
}

/** The client would swallow an error thrown in its reader, and stop reading. */
function guarded(run: () => void): void {
  try {
    run()
  } catch (bug) {
    queueMicrotask(() => {
      throw bug
    })
  }
}

function publishOptions({ reply, headers }: PublishOptions = {}): {
  reply?: string
  headers?: ReturnType<typeof natsHeaders>
} {
  const options: ReturnType<typeof publishOptions> = {}
  if (reply !== undefined) options.reply = reply
  if (headers === undefined) return options
  options.headers = natsHeaders()
  for (const [name, value] of Object.entries(headers)) options.headers.set(name, value)
  return options
}

function busMessage(message: Msg): BusMessage {
  const { subject, reply, data: payload } = message
  const basic = reply ? { subject, payload, reply } : { subject, payload }
  const headers = headersOf(() => message.headers)
  if (headers === undefined) return basic
  if (headers.code === NO_RESPONDERS && payload.length === 0)
    return { ...basic, noResponders: true }
  const named: Record<string, string> = {}
  for (const [name, values] of headers) if (values[0] !== undefined) named[name] = values[0]
  return { ...basic, headers: named }
}
