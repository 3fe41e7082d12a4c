/** One connection to the bus, in bytes. Everything above it is the same on NATS and simulated. */

export interface BusMessage {
  readonly subject: string
  readonly payload: Uint8Array
  /** Where an answer is wanted. Checked against the caller's own inbox before it is used. */
  readonly reply?: string
  readonly headers?: Readonly<Record<string, string>>
  /**
   * The bus itself says, on the reply subject of a publish, that nobody listened there. A hint: its
   * absence means nothing, since any observer listens.
   */
  readonly noResponders?: true
  /** Of a bus that hands the same message to many in one process. */
  readonly reading?: Reading
}

/** What a message was decoded to and checked as, for all who hear it: none may change it. */
export interface Reading {
  /** The body, if it was checked as `name`. */
  as(name: string): unknown
  keep(name: string, body: unknown): void
}

export interface PublishOptions {
  readonly reply?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Subscription {
  close(): void
}

/**
 * `disconnected`: what was published lately may be lost. `connected`: back; what was published by
 * others in between is lost; so it is told, too, when the server allows a subscription that it had
 * forbidden. Neither proves anything else: a cut between two servers of a NATS
 * cluster disconnects no client (sessions find that). `closed`: for good, by `close()`.
 */
export type ConnectionState = 'connected' | 'disconnected' | 'closed'

/**
 * Order holds from one connection to one subscription of another, for as long as both live; nothing
 * else is promised. Core messages are delivered at most once.
 */
export interface Bus {
  /** For logs. */
  readonly name: string
  /** The prefix of this connection's own reply subjects, without the last dot. */
  readonly inbox: string
  readonly state: ConnectionState
  /** Never throws for a lost connection: the message is lost, as any may be. */
  publish(subject: string, payload: Uint8Array, options?: PublishOptions): void
  /**
   * Calls `handle` once for each message, synchronously, in order of arrival. An error thrown by
   * `handle` is a bug and ends the process. `subject` may hold `*` and a last `>`.
   */
  subscribe(subject: string, handle: (message: BusMessage) => void): Subscription
  /** Calls `handle` at each change of `state`. */
  onState(handle: (state: ConnectionState) => void): Subscription
  /**
   * Resolves once the server has answered all that was sent before: one's own echo.
   * @throws {ClusterError} `bus/disconnected` when the connection is or gets lost.
   */
  flush(): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}

/** A record of a key-value store. `revision` rises with every change, until the store is lost. */
export interface KeyValueEntry {
  readonly value: Uint8Array
  readonly revision: number
}

/** The outcome of a compare-and-set that was answered. */
export type WriteOutcome =
  | { readonly done: true; readonly revision: number }
  /** Somebody else wrote, or one's own earlier try did: read it back. */
  | { readonly done: false }

/** One bucket. Reads go to the leader of the bucket's stream, never to a follower. */
export interface KeyValueStore {
  /** @throws {ClusterError} `bus/store-unavailable`. */
  read(key: string): Promise<KeyValueEntry | undefined>
  /**
   * Writes if the key's last revision is `revision` (0: the key must not exist).
   * @throws {ClusterError} `bus/store-unavailable`: it may have been written or not.
   */
  write(key: string, value: Uint8Array, revision: number): Promise<WriteOutcome>
}

/** The outcome of an append that was answered. */
export type AppendOutcome =
  | { readonly done: true; readonly sequence: number }
  /** The stream's last sequence is not the expected one. */
  | { readonly done: false }

export interface LogEntry {
  /** 1 for the first; gaps are possible after a purge. */
  readonly sequence: number
  readonly payload: Uint8Array
}

export interface LogPart {
  readonly entries: readonly LogEntry[]
  /** From where to go on reading; above `lastSequence`: that was all. */
  readonly next: number
  /** Of the log, at the time of the call; 0: it never held anything. */
  readonly lastSequence: number
}

/** An append-only log in the bus's store. */
export interface LogStore {
  /**
   * Appends if the last sequence is `lastSequence` (0: empty).
   * @throws {ClusterError} `bus/store-unavailable`: it may have been appended or not.
   */
  append(payload: Uint8Array, lastSequence: number): Promise<AppendOutcome>
  /**
   * Entries from `sequence` (>= 1) on, oldest first, as far as `entriesMax` sequences reach; those
   * that were removed are left out.
   * @throws {ClusterError} `bus/store-unavailable`.
   */
  readFrom(sequence: number, entriesMax: number): Promise<LogPart>
  /** Removes entries below `sequence`. May be repeated. */
  removeBelow(sequence: number): Promise<void>
}

/** A message that a history keeps. */
export interface StoredMessage {
  /** 1 for the first; each next one is higher by 1, also over those that are gone. */
  readonly sequence: number
  /** When the server stored it, in its time. */
  readonly atMs: number
  readonly subject: string
  readonly payload: Uint8Array
}

/** What a history keeps at most; the oldest goes first. */
export interface HistoryLimits {
  readonly ageMsMax: number
  readonly bytesMax: number
}

export interface HistorySettings {
  readonly name: string
  /** What is published on subjects of this pattern is kept. */
  readonly pattern: string
  /** Of one that is made now. One that is there may have other limits: an operator chose them. */
  readonly limits: HistoryLimits
  /** These hold from now on, whatever was chosen before. */
  readonly chosen?: Partial<HistoryLimits>
}

/**
 * Reads a history: any of the servers that hold it answers, and may not know yet what was stored in
 * the last second. Both throw `ClusterError`: `bus/forbidden` (never); `bus/store-unavailable`
 * (later), also when nobody keeps it there.
 */
export interface History {
  /** The first message at `sequence` (>= 1) or above whose subject `filter` stands for. */
  next(filter: string, sequence: number): Promise<StoredMessage | undefined>
  /** The newest of all. */
  last(): Promise<StoredMessage | undefined>
}

/** Where connections and stores come from: a NATS server, or a simulated one. */
export interface BusSystem {
  /** `inbox`: prefix of the reply subjects, for permissions; a random one when left out. */
  connect(options: { readonly name: string; readonly inbox?: string }): Promise<Bus>
  /** Opens the bucket, making it if need be, over `bus`'s connection. */
  keyValue(bus: Bus, bucket: string): Promise<KeyValueStore>
  /** Opens the log, making it if need be, over `bus`'s connection. */
  log(bus: Bus, name: string): Promise<LogStore>
  /**
   * Has the bus keep what is published, from now on and until somebody removes it. May be repeated.
   * @throws {ClusterError} `bus/store-unavailable` (later); `bus/store-settings` (never): it is
   * kept in another way.
   */
  keepHistory(bus: Bus, settings: HistorySettings): Promise<void>
  history(bus: Bus, kept: Pick<HistorySettings, 'name' | 'pattern'>): History
}
