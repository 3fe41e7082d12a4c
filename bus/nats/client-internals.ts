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
      getCurrentServer(): Server
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

/** Which of `urls` a connection is at, or has dialled last. */
export function serverOf(connection: NatsConnection, urls: readonly string[]): string {
  const { listen } = internals(connection).servers.getCurrentServer()
  const url = urls.find((one) => serverAt(connection, one).listen === listen)
  assert(url !== undefined, OTHER_INSIDES)
  return url
}

/**
 * Has a connection go round `urls` in that order when it loses its server. By itself it dials the
 * one first that it has just lost, and waits for one that stands still; and while it looked for its
 * first server it forgot those that did not answer, for good.
 */
export function dialInOrder(connection: NatsConnection, urls: readonly string[]): void {
  const list = internals(connection).servers.getServers()
  const ordered = urls.map((url) => {
    const added = serverAt(connection, url)
    added.tlsName = ''
    return list.find(({ listen }) => listen === added.listen) ?? added
  })
  list.splice(0, list.length, ...ordered)
}

/** As the client reads it; it is none of the connection's. */
function serverAt(connection: NatsConnection, url: string): Server {
  const { servers } = internals(connection)
  servers.addServer(url)
  const added = servers.getServers().pop()
  assert(added !== undefined, OTHER_INSIDES)
  return added
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
