/**
 * Reads a stream message by message, with NATS's direct get: no consumer, since who may make one
 * can have the server publish anywhere.
 */
import { type Msg, PermissionViolationError } from '@nats-io/transport-node'
import { ClusterError } from '../../protocol/errors.ts'
import { historyQuestions } from '../../protocol/subjects.ts'
import type { History, HistorySettings, StoredMessage } from '../bus.ts'
import { headerText } from './client-internals.ts'
import { forbidden } from './connection.ts'
import type { StoreOptions } from './stream.ts'

const NOT_FOUND = /^NATS\/1\.0 404/

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

/**
 * The server writes its fields behind those of whoever published, who may have written anything.
 * @throws {Error} when the answer is none.
 */
function stored(answer: Msg): StoredMessage | undefined {
  const [status = '', ...lines] = headerText(answer)?.split('\r\n') ?? []
  const field = (name: string): string => {
    const start = `${name}:`
    return (
      lines
        .findLast((line) => line.startsWith(start))
        ?.slice(start.length)
        .trim() ?? ''
    )
  }
  const sequence = Number(field('Nats-Sequence'))
  const atMs = Date.parse(field('Nats-Time-Stamp'))
  // Whoever published may have written a status, too.
  if (!(sequence > 0) && NOT_FOUND.test(status)) return undefined
  if (!(sequence > 0) || Number.isNaN(atMs))
    throw new Error(`the server answers ${status === '' ? 'without a header' : status}`)
  return { sequence, atMs, subject: field('Nats-Subject'), payload: answer.data }
}

function faultOf(name: string, cause: unknown): ClusterError {
  if (cause instanceof PermissionViolationError) return forbidden(name, cause)
  // Nobody says that a stream is not there: the server has somebody who listens, and is silent.
  return new ClusterError('bus/store-unavailable', 'later', `stream ${name} does not answer`, {
    cause,
  })
}
