/** One connection to a simulated server. */
import { ClusterError } from '../../protocol/errors.ts'
import type { Bus, BusMessage, ConnectionState, PublishOptions, Subscription } from '../bus.ts'
import type { SimulatedClock } from './clock.ts'
import { SharedReading } from './shared-reading.ts'

export interface Listener {
  readonly subject: string
  readonly connection: SimulatedConnection
  readonly handle: (message: BusMessage) => void
  /** When the server learned of it. Earlier messages pass it by. */
  knownAtMs: number
  isOpen: boolean
}

/** What a connection asks of the server. */
export interface Server {
  readonly clock: SimulatedClock
  delayMs(): number
  route(from: SimulatedConnection, message: BusMessage): void
  add(listener: Listener): void
  remove(listener: Listener): void
  closed(connection: SimulatedConnection): void
}

/** A message leaves in one life of its sender and arrives in one of its receiver, or not at all. */
export class SimulatedConnection implements Bus {
  readonly name: string
  readonly inbox: string
  /** Messages pass within an island only; the stores are on island 0. */
  island = 0
  /** Counts its connections. */
  life = 0
  /** When the last message of each sender arrives here: what follows does not overtake it. */
  readonly #arrivals = new Map<SimulatedConnection, number>()
  readonly #server: Server
  readonly #listeners = new Set<Listener>()
  readonly #observers = new Set<(state: ConnectionState) => void>()
  readonly #echoes = new Set<(error: ClusterError) => void>()
  /** By life: when it ended. What has not reached the server by then never does. */
  readonly #endsAtMs: number[] = []
  #state: ConnectionState = 'connected'
  #reachedAtMs = 0
  /** What waits to leave, and what to arrive, while it is stalled or paused. */
  #held: { readonly out: (() => void)[]; in: (() => void)[] | undefined } | undefined
  /** Whoever simulates its process counts what it does. */
  onLeave: ((subject: string, payload: Uint8Array) => void) | undefined

  constructor(server: Server, options: { readonly name: string; readonly inbox: string }) {
    this.#server = server
    this.name = options.name
    this.inbox = options.inbox
  }

  get state(): ConnectionState {
    return this.#state
  }

  publish(subject: string, payload: Uint8Array, options?: PublishOptions): void {
    if (this.#state !== 'connected') return
    const message = { subject, payload, reading: new SharedReading(), ...options }
    if (this.#held === undefined) this.#server.route(this, message)
    else this.#held.out.push(() => this.#server.route(this, message))
    this.onLeave?.(subject, payload)
  }

  subscribe(subject: string, handle: (message: BusMessage) => void): Subscription {
    const listener = { subject, connection: this, handle, knownAtMs: 0, isOpen: true }
    listener.knownAtMs = this.#state === 'connected' ? this.reach() : Number.POSITIVE_INFINITY
    this.#listeners.add(listener)
    this.#server.add(listener)
    return { close: () => this.#forget(listener) }
  }

  onState(handle: (state: ConnectionState) => void): Subscription {
    this.#observers.add(handle)
    return { close: () => void this.#observers.delete(handle) }
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state !== 'connected') return reject(this.#lost())
      this.#echoes.add(reject)
      this.leave(() => {
        const { clock } = this.#server
        clock.at(this.arrivalFrom(this, this.reach() + this.#server.delayMs()), () =>
          this.receive(() => {
            if (!this.#echoes.delete(reject)) return
            clock.settles()
            resolve()
          }),
        )
      })
    })
  }

  close(): Promise<void> {
    // What was published before goes out.
    this.end(this.#reachedAtMs)
    return Promise.resolve()
  }

  /** For good: at `atMs` nothing more of it reaches the server. */
  end(atMs: number): void {
    if (this.#state === 'closed') return
    if (this.#state === 'connected') this.#endLife(atMs)
    for (const listener of this.#listeners) this.#forget(listener)
    this.#change('closed')
    this.#server.closed(this)
  }

  disconnect(): void {
    if (this.#state !== 'connected') return
    this.#endLife(this.#server.clock.now().monotonicMs)
    for (const listener of this.#listeners) listener.knownAtMs = Number.POSITIVE_INFINITY
    this.#change('disconnected')
  }

  reconnect(): void {
    if (this.#state !== 'disconnected') return
    this.#arrivals.clear()
    for (const listener of this.#listeners) listener.knownAtMs = this.reach()
    this.#change('connected')
  }

  /** From now on nothing leaves: what is said waits in its machine. */
  stall(): void {
    this.#held ??= { out: [], in: undefined }
  }

  /** From now on nothing leaves and nothing arrives. */
  pause(): void {
    this.stall()
    if (this.#held !== undefined) this.#held.in ??= []
  }

  /** What was held leaves and arrives now. */
  resume(): void {
    const held = this.#held
    this.#held = undefined
    for (const leave of held?.out ?? []) leave()
    for (const receive of held?.in ?? []) this.#server.clock.soon(() => this.receive(receive))
  }

  /** Runs `send`, once the connection is not paused. */
  leave(send: () => void): void {
    if (this.#held === undefined) send()
    else this.#held.out.push(send)
  }

  /** Runs `receive`, once the connection is not paused. */
  receive(receive: () => void): void {
    const waiting = this.#held?.in
    if (waiting === undefined) receive()
    else waiting.push(receive)
  }

  /** When what leaves now reaches the server: after all that left before. */
  reach(): number {
    const atMs = this.#server.clock.now().monotonicMs + this.#server.delayMs()
    this.#reachedAtMs = Math.max(this.#reachedAtMs, atMs)
    return this.#reachedAtMs
  }

  /** When what `sender` sent arrives here, not before `atMs` nor before what it sent earlier. */
  arrivalFrom(sender: SimulatedConnection, atMs: number): number {
    const arrivesAtMs = Math.max(this.#arrivals.get(sender) ?? 0, atMs)
    this.#arrivals.set(sender, arrivesAtMs)
    return arrivesAtMs
  }

  /** True if what left in `life` for `atMs` reached the server. */
  hasReached(life: number, atMs: number): boolean {
    return atMs <= (this.#endsAtMs[life] ?? Number.POSITIVE_INFINITY)
  }

  #endLife(atMs: number): void {
    this.#endsAtMs[this.life++] = atMs
    if (this.#held !== undefined) this.#held.out.length = 0
    for (const reject of this.#echoes) {
      this.#server.clock.settles()
      reject(this.#lost())
    }
    this.#echoes.clear()
  }

  #change(state: ConnectionState): void {
    this.#state = state
    for (const observer of this.#observers)
      this.receive(() => {
        // Somebody may wait for it.
        this.#server.clock.settles()
        observer(state)
      })
  }

  #forget(listener: Listener): void {
    listener.isOpen = false
    this.#listeners.delete(listener)
    this.#server.remove(listener)
  }

  #lost(): ClusterError {
    return new ClusterError('bus/disconnected', 'later', `${this.name} lost its server`)
  }
}
