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
import type { Bus, BusMessage, ConnectionState, PublishOptions } from '../bus.ts'
import { systemClock } from '../clock.ts'
import { cutOff } from './client-internals.ts'
import { headersOf } from './headers.ts'

const NO_RESPONDERS = 503
/** Who is refused dials several times a second, and tells of it no more often than this. */
const REFUSED_TOLD_MS = 60_000

export interface ConnectionDeps {
  readonly name: string
  readonly inbox: string
  /** The server forbade something, or broke the protocol: what it was is in the error. */
  readonly onFault: (fault: ClusterError) => void
}

/** Takes over `connection`, which is connected. */
export function natsBus(connection: NatsConnection, { name, inbox, onFault }: ConnectionDeps): Bus {
  let state: ConnectionState = 'connected'
  const listeners = new Set<(state: ConnectionState) => void>()
  const change = (next: ConnectionState): void => {
    if (state === next || state === 'closed') return
    state = next
    for (const listener of listeners) guarded(() => listener(next))
  }
  const faults = new Faults(name, onFault)
  // The client would keep it until it dials again, and drop it then.
  const outgoing = new Outgoing(connection, () => state === 'connected' && !connection.isClosed())

  const follow = async (): Promise<void> => {
    for await (const status of connection.status()) {
      if (status.type === 'staleConnection') cutOff(connection)
      if (status.type === 'disconnect') change('disconnected')
      if (status.type === 'reconnect') {
        faults.isKnown()
        change('connected')
      }
      if (status.type === 'error') faults.tell(status.error.message, status.error)
    }
    change('closed')
  }
  void follow()

  return {
    name,
    inbox,
    get state() {
      return state
    },
    publish: (subject, payload, options) => outgoing.add({ subject, payload, options }),
    subscribe(subject, handle) {
      outgoing.handOver()
      const subscription = connection.subscribe(subject, {
        callback(error, message) {
          // What is forbidden is told by the connection's status, too.
          if (error instanceof PermissionViolationError) return
          if (error) faults.tell(`subscription ${subject} ended`, error)
          else guarded(() => handle(busMessage(message)))
        },
      })
      return { close: () => subscription.unsubscribe() }
    },
    onState(handle) {
      listeners.add(handle)
      return { close: () => void listeners.delete(handle) }
    },
    async flush() {
      try {
        if (state !== 'connected') throw new Error(state)
        outgoing.handOver()
        await connection.flush()
      } catch (cause) {
        throw new ClusterError('bus/disconnected', 'later', `${name} lost its server`, { cause })
      }
    },
    async close() {
      if (state === 'closed') return
      outgoing.handOver()
      // What was published before is on its way, if there is one.
      if (state === 'connected') await connection.flush().catch(() => undefined)
      await connection.close()
      change('closed')
    },
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
  readonly #onFault: (fault: ClusterError) => void
  #refusedToldAtMs = Number.NEGATIVE_INFINITY

  constructor(name: string, onFault: (fault: ClusterError) => void) {
    this.#name = name
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
    const { monotonicMs } = systemClock.now()
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
