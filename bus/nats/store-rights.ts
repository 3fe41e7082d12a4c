/** The subjects of a NATS server's stores: what who uses one must be allowed to publish. */
import { historyQuestions } from '../../protocol/subjects.ts'

/** As NATS's key-value buckets are, so that their tools show them. */
export const bucketStream = (bucket: string): string => `KV_${bucket}`
export const bucketSubject = (bucket: string, key: string): string => `$KV.${bucket}.${key}`

/** Where a log's entries are published. Its stream is named as it is. */
export const logSubject = (log: string): string => `$LOG.${log}`

const api = (stream: string, ...calls: readonly string[]): readonly string[] =>
  calls.map((call) => `$JS.API.STREAM.${call}.${stream}`)

/** Where a message of a bucket is asked for. */
export const bucketQuestions = (bucket: string): string =>
  `$JS.API.STREAM.MSG.GET.${bucketStream(bucket)}`

/** To open a bucket, making it if need be, and to read and write `key`. */
export const bucketRights = (bucket: string, key: string): readonly string[] => [
  bucketSubject(bucket, key),
  ...api(bucketStream(bucket), 'INFO', 'CREATE', 'MSG.GET', 'PURGE'),
]

/** To open a log, making it if need be, and to append, read and cut it. */
export const logRights = (log: string): readonly string[] => [
  logSubject(log),
  ...api(log, 'INFO', 'CREATE', 'MSG.GET', 'PURGE'),
]

/** To have a history kept. What it keeps is published by whoever may. */
export const keepHistoryRights = (stream: string): readonly string[] =>
  api(stream, 'INFO', 'CREATE', 'UPDATE')

/**
 * To read a history. Only for an account that has no streams and imports this as a service: NATS
 * asks nobody where an answer may go, so in the account of the streams this would be the right to
 * publish anything anywhere, and with it to delete them.
 */
export const readHistoryRights = (stream: string): readonly string[] => [historyQuestions(stream)]
