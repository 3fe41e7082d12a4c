/** What actors say about themselves, for programs: a line of JSON each. */
import { destination, pino } from 'pino'

export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields?: Readonly<Record<string, string | number>>
}
export type Log = (entry: LogEntry) => void

/** Appends to a file, or writes to an open one; what was said is there when the process dies. */
export function jsonLog(to: { readonly path: string } | { readonly fd: number }): Log {
  const dest = 'path' in to ? to.path : to.fd
  const logger = pino(
    { base: null, messageKey: 'message', formatters: { level: (level) => ({ level }) } },
    destination({ dest, sync: true, mkdir: true }),
  )
  return ({ level, message, fields }) => logger[level](fields ?? {}, message)
}
