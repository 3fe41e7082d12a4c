/**
 * A bus in one process, in virtual time, as bad as NATS. Order holds from one connection to another
 * while both live. Messages may be lost to some and not to others without a disconnect, arrive late
 * or twice; answers of stores come when they come.
 */
import assert from 'node:assert/strict'
import { ClusterError } from '../../protocol/errors.ts'
import { BARE_INBOX } from '../../protocol/subjects.ts'
import type {
  Bus,
  BusMessage,
  BusSystem,
  History,
  HistorySettings,
  KeyValueStore,
  LogStore,
} from '../bus.ts'
import type { SimulatedClock } from './clock.ts'
import { type Listener, type Server, SimulatedConnection } from './connection.ts'
import { Faults } from './faults.ts'
import { Interest } from './interest.ts'
import { SimulatedStores, type StoreData } from './stores.ts'

export class SimulatedSystem implements BusSystem, Server {
  readonly clock: SimulatedClock
  readonly faults: Faults
  readonly #interest = new Interest<Listener>()
  readonly #connections = new Set<SimulatedConnection>()
  readonly #stores: SimulatedStores
  /** Islands that only hear the others, or are only heard by them. */
  readonly #oneWay = new Map<number, 'hears' | 'speaks'>()
  #isUp = true
  #crashes = 0
  #count = 0

  constructor(clock: SimulatedClock, faults = new Faults()) {
    this.clock = clock
    this.faults = faults
    const reaches = (from: number, to: number): boolean => this.#reaches(from, to)
    this.#stores = new SimulatedStores({ clock, faults, crashes: () => this.#crashes, reaches })
  }

  connect(options: { readonly name: string; readonly inbox?: string }): Promise<Bus> {
    const { name, inbox = `${BARE_INBOX}simulated-${++this.#count}` } = options
    return new Promise((resolve, reject) => {
      this.clock.after(this.delayMs() * 2, () => {
        this.clock.settles()
        if (!this.#isUp)
          return reject(new ClusterError('bus/no-server', 'later', 'the simulated server is down'))
        const connection = new SimulatedConnection(this, { name, inbox })
        this.#connections.add(connection)
        resolve(connection)
      })
    })
  }

  keyValue(bus: Bus, bucket: string): Promise<KeyValueStore> {
    return this.#stores.keyValue(own(bus), bucket)
  }

  log(bus: Bus, name: string): Promise<LogStore> {
    return this.#stores.log(own(bus), name)
  }

  keepHistory(bus: Bus, settings: HistorySettings): Promise<void> {
    return this.#stores.keepHistory(own(bus), settings)
  }

  history(bus: Bus, { name }: Pick<HistorySettings, 'name'>): History {
    return this.#stores.history(own(bus), name)
  }

  /**
   * The connection is lost, with all on its way, and comes back after `forMs` or with the server.
   */
  disconnect(bus: Bus, forMs: number): void {
    this.faults.count('disconnected')
    own(bus).disconnect()
    this.clock.after(forMs, () => {
      if (this.#isUp) own(bus).reconnect()
    })
  }

  /** Nothing leaves until `resume`. */
  stall(bus: Bus): void {
    this.faults.count('stalled')
    own(bus).stall()
  }

  /** Nothing leaves or arrives until `resume`. */
  pause(bus: Bus): void {
    this.faults.count('paused')
    own(bus).pause()
  }

  resume(bus: Bus): void {
    own(bus).resume()
  }

  /** The connection's process is gone: what it said last may not have left. */
  kill(bus: Bus): void {
    this.faults.count('killed')
    own(bus).end(this.clock.now().monotonicMs)
  }

  /**
   * From now on messages pass only within an island, and nobody is told. Stores are on island 0.
   */
  move(buses: readonly Bus[], island: number): void {
    for (const bus of buses) own(bus).island = island
  }

  /** One direction between that island, which is not 0, and all others still works. */
  cutOneWay(island: number, does: 'hears' | 'speaks'): void {
    this.#oneWay.set(island, does)
  }

  /** Who is connected to count what leaves. */
  onLeave(bus: Bus, told: (subject: string, payload: Uint8Array) => void): void {
    own(bus).onLeave = told
  }

  /** All connections are lost, with all that was on its way. */
  crash(): void {
    this.faults.count('serverCrashed')
    this.#isUp = false
    this.#crashes += 1
    for (const connection of this.#connections) connection.disconnect()
  }

  /** After a crash: the stores are as they were, or as `stores` says. */
  restart(stores?: StoreData): void {
    if (stores !== undefined) {
      this.faults.count('storesLost')
      this.#stores.replace(stores)
    }
    this.#isUp = true
    for (const connection of this.#connections)
      this.clock.after(this.delayMs() * 2, () => {
        if (this.#isUp) connection.reconnect()
      })
  }

  /** What a restart may go back to. */
  copyStores(): StoreData {
    return this.#stores.copy()
  }

  delayMs(): number {
    return this.faults.delayMs()
  }

  add(listener: Listener): void {
    this.#interest.add(listener)
  }

  remove(listener: Listener): void {
    this.#interest.remove(listener)
  }

  closed(connection: SimulatedConnection): void {
    this.#connections.delete(connection)
  }

  route(from: SimulatedConnection, message: BusMessage): void {
    const { faults } = this
    const reachedAtMs = from.reach()
    if (faults.strikes('lostForAll')) return
    if (this.#reaches(from.island, 0)) this.#stores.keep(message)
    let isHeard = false
    for (const listener of this.#interest.in(message.subject)) {
      if (listener.knownAtMs > reachedAtMs) continue
      if (!this.#reaches(from.island, listener.connection.island)) {
        faults.count('cut')
        continue
      }
      isHeard = true
      if (!faults.strikes('lost')) this.#send(passage(from, message, { listener, reachedAtMs }))
    }
    if (isHeard || message.reply === undefined) return
    const answer = {
      subject: message.reply,
      payload: new Uint8Array(),
      noResponders: true,
    } as const
    for (const listener of this.#interest.in(message.reply))
      if (listener.connection === from) this.#send(passage(from, answer, { listener, reachedAtMs }))
  }

  #reaches(from: number, to: number): boolean {
    return from === to || this.#oneWay.get(from) === 'speaks' || this.#oneWay.get(to) === 'hears'
  }

  #send(passage: Passage): void {
    const { from, listener, reachedAtMs } = passage
    const takenMs = this.delayMs() + this.faults.lateMs()
    const atMs = listener.connection.arrivalFrom(from, reachedAtMs + takenMs)
    this.clock.at(atMs, () => this.#arrive(passage))
    if (this.faults.strikes('duplicated'))
      this.clock.at(atMs + this.delayMs() + this.faults.lateMs(), () => this.#arrive(passage))
  }

  #arrive({ from, message, listener, reachedAtMs, life, lifeTo }: Passage): void {
    const { connection } = listener
    if (connection.life !== lifeTo || !from.hasReached(life, reachedAtMs))
      return this.faults.count('dropped')
    if (!this.#reaches(from.island, connection.island)) return this.faults.count('cut')
    connection.receive(() => {
      if (!listener.isOpen) return
      // Whoever made a call waits for what comes to the inbox.
      if (message.subject.startsWith(connection.inbox)) this.clock.settles()
      listener.handle(message)
    })
  }
}

/** A message on its way to one listener. */
interface Passage {
  readonly from: SimulatedConnection
  readonly life: number
  readonly message: BusMessage
  readonly reachedAtMs: number
  readonly listener: Listener
  readonly lifeTo: number
}

function passage(
  from: SimulatedConnection,
  message: BusMessage,
  { listener, reachedAtMs }: Pick<Passage, 'listener' | 'reachedAtMs'>,
): Passage {
  const lifeTo = listener.connection.life
  return { from, life: from.life, message, reachedAtMs, listener, lifeTo }
}

function own(bus: Bus): SimulatedConnection {
  assert(bus instanceof SimulatedConnection, `${bus.name} is a connection of another system`)
  return bus
}
