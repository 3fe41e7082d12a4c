/** What can be heard on the bus, by an ear of its own; it says when it hears nothing. */
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { decode } from '../../../bus/codec.ts'
import { check } from '../../../protocol/check.ts'
import type { PublicEvents } from '../../../protocol/schema/event.ts'
import type { LeaderBeat } from '../../../protocol/schema/master.ts'
import type { Message, MessageName } from '../../../protocol/schema/messages.ts'
import type { StatusUpdates } from '../../../protocol/schema/scheduler.ts'
import {
  allEvents,
  allUpdates,
  type EventIds,
  eventIdsOf,
  leaderBeat,
  statusUpdates,
} from '../../../protocol/subjects.ts'

export interface EarDeps {
  readonly servers: readonly string[]
  readonly cluster: string
  readonly onBeat: (beat: LeaderBeat) => void
  readonly onEvents: (ids: EventIds, events: PublicEvents) => void
  readonly onUpdates: (agentId: string, frameworkId: string, updates: StatusUpdates) => void
  /** A message that is not what its subject promises. */
  readonly onStrange: (sentence: string) => void
  /** From now on something may be missed: the server is gone, or was until now. */
  readonly onDeaf: () => void
}

export interface Ear {
  close(): Promise<void>
}

export async function openEar(deps: EarDeps): Promise<Ear> {
  const { servers, cluster } = deps
  const connection = await connect({
    servers: [...servers],
    name: 'observer',
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    timeout: 1_000,
    pingInterval: 1_000,
    waitOnFirstConnect: true,
  })
  const hear = <N extends MessageName>(
    { subject, data }: { readonly subject: string; readonly data: Uint8Array },
    name: N,
  ): Message<N> | undefined => {
    const decoded = decode(data)
    const checked = decoded.ok ? check(name, decoded.value) : decoded
    if (checked.ok) return checked.value
    deps.onStrange(`${subject} carries no ${name}: ${checked.refusal.message}`)
    return undefined
  }
  connection.subscribe(leaderBeat.on({ cluster }), {
    callback: (_error, message) => {
      const beat = hear(message, 'LeaderBeat')
      if (beat !== undefined) deps.onBeat(beat)
    },
  })
  connection.subscribe(allEvents(cluster), {
    callback: (_error, message) => {
      const events = hear(message, 'PublicEvents')
      const ids = eventIdsOf(message.subject)
      if (events !== undefined && ids !== undefined) deps.onEvents(ids, events)
    },
  })
  connection.subscribe(allUpdates(cluster), {
    callback: (_error, message) => {
      const updates = hear(message, 'StatusUpdates')
      const ids = statusUpdates.parse(message.subject)
      if (updates === undefined || ids === undefined) return
      deps.onUpdates(ids.agentId, ids.frameworkId, updates)
    },
  })
  void follow(connection, deps.onDeaf)
  return { close: () => connection.close() }
}

async function follow(connection: NatsConnection, onDeaf: () => void): Promise<void> {
  for await (const { type } of connection.status())
    if (type === 'disconnect' || type === 'slowConsumer') onDeaf()
}
