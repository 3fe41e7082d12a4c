/** What each result means. */
import test from 'ava'
import { type Health, newHealth } from '../../../../../actors/agent/checks/asked.ts'
import {
  isSameResult,
  judge,
  type Outcome,
  outcomeOf,
  resultOf,
  wordsOf,
} from '../../../../../actors/agent/checks/rules.ts'
import type { CheckSeen } from '../../../../../actors/agent/inputs.ts'

const OUTCOMES: Readonly<Record<string, Outcome>> = { '+': 'good', '-': 'bad', '?': 'unmade' }

/**
 * `+` succeeds, `-` fails, `?` cannot be made, each a second after the other; which were told, and
 * which killed.
 */
function judged(runs: string, rules: Parameters<typeof judge>[0] = {}): string {
  let health = newHealth(undefined)
  let said = ''
  for (const [second, run] of runs.split('').entries()) {
    const { isTold, isDeadly, ...next } = judge(rules, health, {
      outcome: OUTCOMES[run] ?? 'bad',
      ranMs: second * 1_000,
    })
    health = next
    said += isDeadly ? 'K' : isTold ? told(next) : '.'
  }
  return said
}

const told = ({ healthy, isUnmade }: Health): string => (isUnmade ? '?' : healthy ? 'h' : 'u')

for (const [name, runs, rules, told] of [
  ['the first success is told, those that follow are not', '+++', {}, 'h..'],
  ['each failure is told, and the third in a row kills', '+---', { graceMs: 0 }, 'huuK'],
  ['a success between them begins the count anew', '+--+--+', {}, 'huuhuuh'],
  [
    'failures before the first success and in grace are as if they had not been',
    '---+',
    {},
    '...h',
  ],
  ['after a success they count within grace too', '+---', { graceMs: 60_000 }, 'huuK'],
  ['after grace the first failures count', '-----', { graceMs: 2_000 }, '..uuK'],
  ['without grace the first failure counts', '-', { graceMs: 0, consecutiveFailures: 1 }, 'K'],
  ['what cannot be made counts neither way, and the first is told', '+-???--', {}, 'hu?..uK'],
  ['a healthy task is told to be so again when it can be seen', '+???++', {}, 'h?..h.'],
  ['of a task never seen what cannot be made is told, and is no first run', '??-+', {}, '?..h'],
  ['by default grace is ten seconds', '-------------', {}, '..........uuK'],
] as const) {
  test(`health: ${name}`, (t) => t.is(judged(runs, rules), told))
}

for (const [name, seen, outcome, result] of [
  ['exit 0', { exit: { code: 0 } }, 'good', { exitCode: 0 }],
  ['exit 3', { exit: { code: 3 } }, 'bad', { exitCode: 3 }],
  ['a signal', { exit: { signal: 9, name: 'SIGKILL' } }, 'bad', { exitCode: 137 }],
  ['an unseen end', { exit: { unknown: 'why' } }, 'bad', {}],
  ['status 199', { statusCode: 199 }, 'bad', { statusCode: 199 }],
  ['status 200', { statusCode: 200 }, 'good', { statusCode: 200 }],
  ['status 399', { statusCode: 399 }, 'good', { statusCode: 399 }],
  ['status 400', { statusCode: 400 }, 'bad', { statusCode: 400 }],
  ['a connection', { connected: true }, 'good', { connected: true }],
  ['none', { connected: false, why: 'no' }, 'bad', { connected: false }],
  ['nothing in time', { failed: 'it took longer than 5 ms' }, 'bad', {}],
  ['no process for it', { unmade: 'spawn EAGAIN' }, 'unmade', {}],
] as const satisfies readonly (readonly [string, CheckSeen, Outcome, object])[]) {
  test(`${name} is ${outcome} and told as ${JSON.stringify(result)}`, (t) => {
    t.is(outcomeOf(seen), outcome)
    t.deepEqual(resultOf(seen), result)
    t.not(wordsOf(seen), '')
  })
}

test('no result yet and an empty one are the same, others differ', (t) => {
  t.true(isSameResult(undefined, {}))
  t.true(isSameResult({ exitCode: 1 }, { exitCode: 1 }))
  t.false(isSameResult(undefined, { exitCode: 0 }))
  t.false(isSameResult({ connected: true }, { connected: false }))
})
