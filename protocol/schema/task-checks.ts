/** What its agent does again and again to see how a task is. */
import Type, { type Static } from 'typebox'
import { CHECK_INTERVAL_MS_MIN, CHECK_MS_MAX, HEALTH_FAILURES_MAX } from '../limits.ts'
import { NO_NUL_PATTERN, URL_PATH_PATTERN } from '../patterns.ts'
import { integer, list, message, word } from './shapes.ts'

/** Exactly one stands: `argv` (no shell) or `shell` (`/bin/sh -c`). */
export const words = {
  argv: Type.Optional(list(Type.String({ pattern: NO_NUL_PATTERN, maxLength: 32_768 }), 1024, 1)),
  shell: Type.Optional(Type.String({ pattern: NO_NUL_PATTERN, minLength: 1, maxLength: 32_768 })),
}

const port = integer(1, 65_535)
/** Default 127.0.0.1. */
const host = Type.Optional(word('127.0.0.1', '::1'))

const CommandCheck = message(
  'Run beside the task: in its sandbox, with its environment, as its user. Good: it exits with 0.',
  words,
)

const HttpCheck = message(
  'A GET of the machine itself; no redirect is followed. Good: a status of 200 to 399.',
  {
    port,
    host,
    /** With its query. Default `/`. */
    path: Type.Optional(Type.String({ pattern: URL_PATH_PATTERN })),
    /** Default http. Of https no certificate is looked at. */
    scheme: Type.Optional(word('http', 'https')),
  },
)

const TcpCheck = message('A connection to the machine itself. Good: it comes about.', {
  port,
  host,
})

const probe = {
  command: Type.Optional(CommandCheck),
  http: Type.Optional(HttpCheck),
  tcp: Type.Optional(TcpCheck),
}

const times = {
  /** From the start of the task to the first run. Default 15 s. */
  delayMs: Type.Optional(integer(0, CHECK_MS_MAX)),
  /** From the end of one run to the next. Default 10 s. */
  intervalMs: Type.Optional(integer(CHECK_INTERVAL_MS_MIN, CHECK_MS_MAX)),
  /** A run that takes longer is ended and has failed. Default 20 s; 0: it may take any time. */
  timeoutMs: Type.Optional(integer(0, CHECK_MS_MAX)),
}

/**
 * Tells how a task is, with each change: RUNNING again, CHECK_STATUS_UPDATED, and a new
 * `checkResult`. Never kills. Ends when the task is killed.
 */
export type Check = Static<typeof Check>
export const Check = message('Exactly one of command, http and tcp stands.', { ...probe, ...times })

/**
 * Kills a task that is not well. Each failure is told (RUNNING again with `healthy` false,
 * HEALTH_CHECK_STATUS_UPDATED), a success if it is the first or follows a failure. After so many
 * failures in a row the task is killed with its own grace: KILLED, UNHEALTHY, `healthy` false. Of
 * runs that could not be made, for want of what is not the task's, the first is told; none counts.
 */
export type HealthCheck = Static<typeof HealthCheck>
export const HealthCheck = message('Exactly one of command, http and tcp stands.', {
  ...probe,
  ...times,
  /** Default 3. */
  consecutiveFailures: Type.Optional(integer(1, HEALTH_FAILURES_MAX)),
  /** Failures so soon after the start do not count, until one run has succeeded. Default 10 s. */
  graceMs: Type.Optional(integer(0, CHECK_MS_MAX)),
})

/**
 * What one run of a `check` said. Nothing stands: it timed out, nobody answered, or it could not be
 * made. Of a command that a signal ended: 128 and its number.
 */
export type CheckResult = Static<typeof CheckResult>
export const CheckResult = message('At most one stands.', {
  exitCode: Type.Optional(integer(0, 255)),
  statusCode: Type.Optional(integer(100, 999)),
  connected: Type.Optional(Type.Boolean()),
})
