/** Checks as a framework may write them: every field has bounds, and exactly one probe stands. */
import test from 'ava'
import { check } from '../../../protocol/check.ts'
import {
  CHECK_INTERVAL_MS_MIN,
  CHECK_MS_MAX,
  HEALTH_FAILURES_MAX,
} from '../../../protocol/limits.ts'
import type { Accept } from '../../../protocol/schema/calls.ts'
import { problemOfChecks } from '../../../protocol/task-problem.ts'

const accept = (fields: object): unknown => ({
  offers: ['3-00000000000000aa-1'],
  operations: [
    {
      kind: 'launch',
      tasks: [{ taskId: 't', resources: { cpus: 1 }, command: { shell: 'true' }, ...fields }],
    },
  ],
})

/** What the leader's edge says of a task with these fields. */
function refusalOf(fields: object): string | undefined {
  const checked = check('Accept', accept(fields))
  return checked.ok ? undefined : checked.refusal.message
}

const tcp = { port: 80 }

for (const [name, fields] of Object.entries({
  'an HTTP health check': { healthCheck: { http: { port: 80, path: '/a?b=c', host: '::1' } } },
  'a TCP check with all times': {
    check: { tcp, delayMs: 0, intervalMs: CHECK_INTERVAL_MS_MIN, timeoutMs: 0 },
  },
  'a command without a shell': { healthCheck: { command: { argv: ['true'] }, graceMs: 0 } },
  'the longest times': {
    healthCheck: {
      tcp,
      delayMs: CHECK_MS_MAX,
      intervalMs: CHECK_MS_MAX,
      timeoutMs: CHECK_MS_MAX,
      graceMs: CHECK_MS_MAX,
      consecutiveFailures: HEALTH_FAILURES_MAX,
    },
    maxCompletionMs: 1,
  },
})) {
  test(`${name} is taken`, (t) => t.is(refusalOf(fields), undefined))
}

for (const [name, fields, field] of [
  ['port 0', { check: { tcp: { port: 0 } } }, 'check.tcp.port'],
  ['port 65536', { check: { http: { port: 65_536 } } }, 'check.http.port'],
  ['another host', { check: { tcp: { port: 80, host: '10.0.0.1' } } }, 'check.tcp.host'],
  ['a path without /', { check: { http: { port: 80, path: 'a' } } }, 'check.http.path'],
  ['a line break in a path', { check: { http: { port: 80, path: '/\r\nX:' } } }, 'check.http.path'],
  ['another scheme', { check: { http: { port: 80, scheme: 'file' } } }, 'check.http.scheme'],
  ['no time to complete at all', { maxCompletionMs: 0 }, 'maxCompletionMs'],
  [
    'no pause at all',
    { check: { tcp, intervalMs: CHECK_INTERVAL_MS_MIN - 1 } },
    'check.intervalMs',
  ],
  ['a negative delay', { check: { tcp, delayMs: -1 } }, 'check.delayMs'],
  ['half a millisecond', { healthCheck: { tcp, graceMs: 0.5 } }, 'healthCheck.graceMs'],
  ['no failure', { healthCheck: { tcp, consecutiveFailures: 0 } }, 'consecutiveFailures'],
  ['a NUL in a word', { check: { command: { argv: ['a\0'] } } }, 'check.command.argv.0'],
  ['an empty command', { check: { command: { shell: '' } } }, 'check.command.shell'],
  ['a negative completion time', { maxCompletionMs: -1 }, 'maxCompletionMs'],
  ['a text for a number', { maxCompletionMs: '1s' }, 'maxCompletionMs'],
] as const) {
  test(`${name} is refused, and the field is named`, (t) =>
    t.regex(refusalOf(fields) ?? '', new RegExp(field.replaceAll('.', '\\.'))))
}

test('of command, http and tcp exactly one must stand, of both kinds of checks', (t) => {
  const none = 'has not exactly one of command, http and tcp'
  t.is(problemOfChecks({ check: {} }), `the check ${none}`)
  t.is(problemOfChecks({ healthCheck: { tcp, http: tcp } }), `the health check ${none}`)
  const both = { command: { argv: ['true'], shell: 'true' } }
  t.is(
    problemOfChecks({ healthCheck: both }),
    'the command of the health check has not exactly one of argv and shell',
  )
  t.is(problemOfChecks({ check: { tcp }, healthCheck: { command: { shell: 'true' } } }), undefined)
  t.is(problemOfChecks({}), undefined)
})

test('unknown fields are dropped, as everywhere in a call', (t) => {
  const checked = check('Accept', accept({ check: { tcp: { port: 80, later: 1 }, later: 1 } }))
  t.true(checked.ok)
  const { operations } = (checked as { readonly value: Accept }).value
  t.deepEqual(operations[0]?.kind === 'launch' && operations[0].tasks[0]?.check, { tcp })
})
