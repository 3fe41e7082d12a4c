/**
 * What the NATS client keeps to itself and we cannot do without. Its version is pinned; tests
 * with a server that stands still hold what is done here.
 */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import type { Msg, NatsConnection } from '@nats-io/transport-node'

const OTHER_INSIDES = 'the NATS client has other insides than those of its version 3.3.1'

interface Internals {
  readonly protocol: {
    readonly options: { timeout?: number }
    readonly transport: { readonly socket?: Socket }
    readonly servers: {
      next(): unknown
      getCurrentServer(): unknown
      selectServer(): unknown
      addServer(url: string): void
      /** The list itself, in the order in which they are dialled. */
      getServers(): Server[]
    }
  }
}

interface MessageInternals {
  /** `hdr`: bytes of the header, which come first; less than 1: there is none. */
  readonly _msg: { readonly hdr: number }
  readonly _rdata: Uint8Array
}

interface Server {
  /** `host:port`. */
  readonly listen: string
  /** Whose certificate is expected. Empty: that of the host it is. */
  tlsName: string
}

/**
 * Ends a connection whose server does not answer, or is of no use: the client dials. By itself it
 * waits until its socket has sent what waits in it: with a server that reads nothing, for ever.
 */
export function cutOff(connection: NatsConnection): void {
  internals(connection).transport.socket?.destroy()
}

/**
 * Has a connection that was just made dial its own server last when it loses it. The client would
 * dial it first, and wait for one that stands still.
 */
export function dialOthersFirst(connection: NatsConnection): void {
  const { servers } = internals(connection)
  if (servers.next() === servers.getCurrentServer()) servers.selectServer()
}

/**
 * Has a connection that was just made know all of `urls`. While it looked for its first server the
 * client forgot those that did not answer, for good.
 */
export function rememberServers(connection: NatsConnection, urls: readonly string[]): void {
  const { servers } = internals(connection)
  const list = servers.getServers()
  const known = new Set(list.map(({ listen }) => listen))
  for (const url of urls) {
    servers.addServer(url)
    const added = list.pop()
    if (added === undefined || known.has(added.listen)) continue
    added.tlsName = ''
    list.unshift(added)
  }
}

/** The client gives all dials of a connection the same time. */
export function setDialTimeout(connection: NatsConnection, ms: number): void {
  internals(connection).options.timeout = ms
}

/** A message's header as it came, a byte a character: the client decodes all of it, or throws. */
export function headerText(message: Msg): string | undefined {
  const { _msg: parsed, _rdata: bytes } = message as unknown as Partial<MessageInternals>
  assert(parsed !== undefined && bytes !== undefined, OTHER_INSIDES)
  return parsed.hdr > 0 ? Buffer.from(bytes.subarray(0, parsed.hdr)).toString('latin1') : undefined
}

function internals(connection: NatsConnection): Internals['protocol'] {
  const { protocol } = connection as unknown as Partial<Internals>
  assert(protocol !== undefined, OTHER_INSIDES)
  return protocol
}
