/**
 * Reads a stream message by message, with NATS's direct get: no consumer, since who may make one
 * can have the server publish anywhere.
 */
import { type Msg, type MsgHdrs, PermissionViolationError } from '@nats-io/transport-node'
import { ClusterError } from '../../protocol/errors.ts'
import { historyQuestions } from '../../protocol/subjects.ts'
import type { History, HistorySettings, StoredMessage } from '../bus.ts'
import { forbidden } from './connection.ts'
import type { StoreOptions } from './stream.ts'

const NOT_FOUND = 404

/** What direct get takes: the last of a subject, or the first of one at or above a sequence. */
type Question =
  | { readonly last_by_subj: string }
  | { readonly next_by_subj: string; readonly seq: number }

export function natsHistory(
  { bus, connection, timeoutMs }: StoreOptions,
  { name, pattern }: Pick<HistorySettings, 'name' | 'pattern'>,
): History {
  const subject = historyQuestions(name)
  const ask = async (question: Question): Promise<StoredMessage | undefined> => {
    try {
      if (bus.state !== 'connected') throw new Error(`the connection is ${bus.state}`)
      const body = JSON.stringify(question)
      return stored(await connection.request(subject, body, { timeout: timeoutMs }))
    } catch (cause) {
      throw faultOf(name, cause)
    }
  }
  return {
    next: (filter, sequence) => ask({ next_by_subj: filter, seq: sequence }),
    last: () => ask({ last_by_subj: pattern }),
  }
}

/** @throws {Error} when the answer is none. */
function stored({ headers, data }: Msg): StoredMessage | undefined {
  if (headers?.code === NOT_FOUND) return undefined
  const sequence = Number(headers?.get('Nats-Sequence'))
  const atMs = Date.parse(headers?.get('Nats-Time-Stamp') ?? '')
  if (headers === undefined || !(sequence > 0) || Number.isNaN(atMs))
    throw new Error(`the server answers ${problemOf(headers)}`)
  return { sequence, atMs, subject: headers.get('Nats-Subject'), payload: data }
}

const problemOf = (headers: MsgHdrs | undefined): string =>
  headers === undefined ? 'without a header' : `${headers.code} ${headers.description}`

function faultOf(name: string, cause: unknown): ClusterError {
  if (cause instanceof PermissionViolationError) return forbidden(name, cause)
  // Nobody says that a stream is not there: the server has somebody who listens, and is silent.
  return new ClusterError('bus/store-unavailable', 'later', `stream ${name} does not answer`, {
    cause,
  })
}
