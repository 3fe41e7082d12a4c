/** A JetStream stream, used as a store with compare-and-set: what is below buckets and logs. */

import { isDeepStrictEqual } from 'node:util'
import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type MsgRequest,
  type StoredMsg,
  type StreamConfig,
} from '@nats-io/jetstream'
import { type NatsConnection, headers as natsHeaders, RequestError } from '@nats-io/transport-node'
import { ClusterError } from '../../protocol/errors.ts'
import type { Bus } from '../bus.ts'
import { systemClock } from '../clock.ts'
import { StoreSilence } from './store-silence.ts'

/** "replicas > 1 not supported in non-clustered mode". */
const REPLICAS_WITHOUT_CLUSTER = 10_074

export interface StoreOptions {
  readonly bus: Bus
  readonly connection: NatsConnection
  readonly replicas: number
  readonly timeoutMs: number
  /** Something is not as it was asked for; it is used as it is. */
  readonly onFault: (fault: ClusterError) => void
}

export type StreamSettings = Partial<StreamConfig> & { readonly name: string }

/** What is expected of the stream when a message arrives; else nothing is stored. */
export type Expectation =
  | { readonly lastSequence: number }
  | { readonly lastSequenceOfSubject: number }

/** Every method throws `bus/store-unavailable` (later) when it is not known to have been done. */
export interface Stream {
  /** The sequence of what was stored, or undefined when the expectation was not met. */
  append(
    subject: string,
    payload: Uint8Array,
    expectation: Expectation,
  ): Promise<number | undefined>
  get(query: MsgRequest): Promise<StoredMsg | undefined>
  /** `first` is above `last` when there is none. */
  bounds(): Promise<{ readonly first: number; readonly last: number }>
  removeBelow(sequence: number): Promise<void>
  /**
   * Looks at the last one, which nobody removes. If it cannot be read, the server has found its
   * file damaged, and would go on to acknowledge what it then cannot read either: all is removed,
   * so that it begins another file.
   */
  healEnd(): Promise<void>
}

/**
 * Opens the stream, making it if need be; whenever it is gone, it is made again, empty.
 * @throws {ClusterError} `bus/store-unavailable`. `bus/store-settings` (never): there is a stream
 * of that name with other settings, or the server knows them not.
 */
export async function openStream(options: StoreOptions, settings: StreamSettings): Promise<Stream> {
  const { connection, bus, timeoutMs } = options
  const { name } = settings
  const manager = await managerOf(options)
  const { streams } = manager
  const silence = new StoreSilence({
    ...options,
    name,
    clock: systemClock,
    isConnected: () => bus.state === 'connected',
  })
  const tried = async <T>(what: string, request: () => Promise<T>): Promise<T> => {
    try {
      if (bus.state !== 'connected') throw new Error(`the connection is ${bus.state}`)
      return await request()
    } catch (error) {
      if (isStreamGone(error)) await ensure(manager, options, { settings })
      throw unavailable(`${name}: ${what} failed`, error)
    }
  }
  const ask = async <T>(what: string, request: () => Promise<T>): Promise<T> => {
    try {
      const answer = await tried(what, request)
      silence.answered()
      return answer
    } catch (error) {
      silence.failed(error)
      throw error
    }
  }
  await ensure(manager, options, { settings })
  const get = (query: MsgRequest): Promise<StoredMsg | undefined> =>
    ask('read', async () => (await streams.getMessage(name, query)) ?? undefined)
  const bounds = () =>
    ask('info', async () => {
      const { first_seq, last_seq } = (await streams.info(name)).state
      // One that never held anything begins at 0.
      return { first: Math.max(1, first_seq), last: last_seq }
    })
  const removeBelow = (sequence: number): Promise<void> =>
    ask('purge', async () => {
      await streams.purge(name, { seq: sequence })
    })
  return {
    append: (subject, payload, expectation) =>
      ask('append', async () => {
        const answer = await connection.request(subject, payload, {
          timeout: timeoutMs,
          headers: expectationHeaders(name, expectation),
        })
        return sequenceOf(answer.json())
      }),
    get,
    bounds,
    removeBelow,
    async healEnd() {
      const { first, last } = await bounds()
      if (first > last || (await get({ seq: last })) !== undefined) return
      // In a bucket another one may have come in its place.
      if ((await bounds()).last !== last) return
      options.onFault(damaged(name))
      await removeBelow(last + 1)
    },
  }
}

/** Settings of a stream of which some are an operator's to change. */
export interface KeptStream {
  readonly settings: StreamSettings
  /** Of a stream that is made now; one that is there may have others. */
  readonly initial?: Partial<StreamConfig>
  /** Set in any case. */
  readonly chosen?: Partial<StreamConfig>
}

/**
 * Makes the stream if it is not there, once: nobody watches over it.
 * @throws {ClusterError} as `openStream`.
 */
export async function keepStream(options: StoreOptions, kept: KeptStream): Promise<void> {
  await ensure(await managerOf(options), options, kept)
}

// checkAPI would ask for account information, which our permissions need not allow.
const managerOf = ({ connection, timeoutMs }: StoreOptions): Promise<JetStreamManager> =>
  jetstreamManager(connection, { checkAPI: false, timeout: timeoutMs })

function expectationHeaders(
  stream: string,
  expectation: Expectation,
): ReturnType<typeof natsHeaders> {
  const headers = natsHeaders()
  headers.set('Nats-Expected-Stream', stream)
  if ('lastSequence' in expectation)
    headers.set('Nats-Expected-Last-Sequence', String(expectation.lastSequence))
  else headers.set('Nats-Expected-Last-Subject-Sequence', String(expectation.lastSequenceOfSubject))
  return headers
}

interface PublishAnswer {
  readonly seq?: number
  readonly error?: {
    readonly code: number
    readonly err_code: number
    readonly description: string
  }
}

function sequenceOf({ seq, error }: PublishAnswer): number | undefined {
  if (error?.err_code === JetStreamApiCodes.StreamWrongLastSequence) return undefined
  if (error !== undefined) throw new JetStreamApiError(error)
  if (seq === undefined) throw new Error('the answer holds no sequence')
  return seq
}

async function ensure(
  { streams }: JetStreamManager,
  { connection, replicas, onFault }: StoreOptions,
  { settings, initial, chosen }: KeptStream,
): Promise<void> {
  const { name } = settings
  const made = { ...initial, ...chosen, ...settings, num_replicas: replicas }
  try {
    const info = await streams.info(name).catch((error: unknown) => {
      if (isStreamGone(error)) return undefined
      throw error
    })
    if (info === undefined) return requireSettings((await streams.add(made)).config, made)
    requireSettings(info.config, settings)
    // How many servers hold an old one is the operator's.
    if (info.config.num_replicas < replicas)
      onFault(heldByFew(info.config, { wanted: replicas, isAlone: isAlone(connection) }))
    const wanted = { ...info.config, ...chosen }
    if (isDeepStrictEqual(info.config, wanted)) return
    requireSettings((await streams.update(name, wanted)).config, { name, ...chosen })
  } catch (error) {
    if (error instanceof ClusterError) throw error
    if (isForClusters(error)) throw aloneFault(name, { replicas, cause: error })
    throw unavailable(`stream ${name} cannot be opened`, error)
  }
}

function damaged(name: string): ClusterError {
  const message = `the NATS server cannot read what it stored last in ${name}: its file is damaged, and begun anew`
  return new ClusterError('bus/store-damaged', 'never', message)
}

function heldByFew(
  { name, num_replicas: found }: StreamConfig,
  { wanted, isAlone }: { readonly wanted: number; readonly isAlone: boolean },
): ClusterError {
  const cure = isAlone
    ? 'the server is alone, and no part of a NATS cluster'
    : `nats stream edit ${name} --replicas ${wanted}`
  const message = `stream ${name} is held by ${found} NATS server, not ${wanted}: ${cure}`
  return new ClusterError('bus/store-replicas', 'never', message)
}

const isAlone = ({ info }: NatsConnection): boolean => info?.cluster === undefined

/** It says so of a stream that it is to make. */
const isForClusters = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === REPLICAS_WITHOUT_CLUSTER

/** Its own API says so; a publish finds nobody, which a server without a leader also says. */
function isStreamGone(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.code === JetStreamApiCodes.StreamNotFound
  return error instanceof RequestError && error.isNoResponders()
}

function aloneFault(
  name: string,
  { replicas, cause }: { readonly replicas: number; readonly cause: unknown },
): ClusterError {
  const message = `stream ${name} cannot be held by ${replicas} NATS servers: the one that is there is alone, and no part of a NATS cluster`
  return new ClusterError('bus/store-settings', 'never', message, { cause })
}

/** Servers drop settings that they do not know without a word. */
function requireSettings(actual: StreamConfig, wanted: StreamSettings): void {
  for (const [key, value] of Object.entries(wanted)) {
    const found: unknown = actual[key as keyof StreamConfig]
    if (isDeepStrictEqual(found, value)) continue
    const message = `stream ${wanted.name} has ${key} ${JSON.stringify(found)}, not ${JSON.stringify(value)}`
    throw new ClusterError('bus/store-settings', 'never', message)
  }
}

const unavailable = (message: string, cause: unknown): ClusterError =>
  cause instanceof ClusterError
    ? cause
    : new ClusterError('bus/store-unavailable', 'later', message, { cause })
