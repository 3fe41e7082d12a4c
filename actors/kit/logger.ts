/** What actors say about themselves, for programs: a line of JSON each. */
import { destination, pino } from 'pino'

export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields?: Readonly<Record<string, string | number>>
}
export type Log = (entry: LogEntry) => void

/** So much waits for room on the disk; what is said beyond it is lost. */
const WAITING_BYTES_MAX = 1024 * 1024

/**
 * Appends to a file, or writes to an open one; what was said is there when the process dies. Where
 * it cannot be written it waits for what is said next: a full disk ends nobody.
 */
export function jsonLog(to: { readonly path: string } | { readonly fd: number }): Log {
  const dest = 'path' in to ? to.path : to.fd
  const file = destination({ dest, sync: true, mkdir: true, maxLength: WAITING_BYTES_MAX })
  // There is nobody else who could be told.
  file.on('error', () => undefined)
  const logger = pino(
    { base: null, messageKey: 'message', formatters: { level: (level) => ({ level }) } },
    file,
  )
  return ({ level, message, fields }) => logger[level](fields ?? {}, message)
}
