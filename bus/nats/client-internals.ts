/**
 * What the NATS client keeps to itself and we cannot do without. Its version is pinned; tests
 * with a server that stands still hold what is done here.
 */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import type { NatsConnection } from '@nats-io/transport-node'

interface Internals {
  readonly protocol: {
    readonly options: { timeout?: number }
    readonly transport: { readonly socket?: Socket }
    readonly servers: {
      next(): unknown
      getCurrentServer(): unknown
      selectServer(): unknown
    }
  }
}

/**
 * Ends a connection whose server does not answer. The client itself waits until its socket has sent
 * what waits in it: with a server that reads nothing, for ever.
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

/** The client gives all dials of a connection the same time. */
export function setDialTimeout(connection: NatsConnection, ms: number): void {
  internals(connection).options.timeout = ms
}

function internals(connection: NatsConnection): Internals['protocol'] {
  const { protocol } = connection as unknown as Partial<Internals>
  assert(
    protocol !== undefined,
    'the NATS client has other insides than those of its version 3.3.1',
  )
  return protocol
}
