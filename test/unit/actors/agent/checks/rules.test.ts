/** What each result means. */
import test from 'ava'
import type { Health } from '../../../../../actors/agent/checks/asked.ts'
import {
  isGood,
  isSameResult,
  judge,
  resultOf,
  wordsOf,
} from '../../../../../actors/agent/checks/rules.ts'
import type { CheckSeen } from '../../../../../actors/agent/inputs.ts'

const FRESH: Health = { healthy: undefined, failures: 0 }

/** `+` succeeds, `-` fails, each a second after the other; which were told, and which killed. */
function judged(runs: string, rules: Parameters<typeof judge>[0] = {}): string {
  let health = FRESH
  let said = ''
  for (const [second, run] of runs.split('').entries()) {
    const { isTold, isDeadly, ...next } = judge(rules, health, {
      isGood: run === '+',
      ranMs: second * 1_000,
    })
    health = next
    said += isDeadly ? 'K' : isTold ? (next.healthy ? 'h' : 'u') : '.'
  }
  return said
}

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
  ['by default grace is ten seconds', '-------------', {}, '..........uuK'],
] as const) {
  test(`health: ${name}`, (t) => t.is(judged(runs, rules), told))
}

for (const [name, seen, good, result] of [
  ['exit 0', { exit: { code: 0 } }, true, { exitCode: 0 }],
  ['exit 3', { exit: { code: 3 } }, false, { exitCode: 3 }],
  ['a signal', { exit: { signal: 9, name: 'SIGKILL' } }, false, { exitCode: 137 }],
  ['an unseen end', { exit: { unknown: 'why' } }, false, {}],
  ['status 199', { statusCode: 199 }, false, { statusCode: 199 }],
  ['status 200', { statusCode: 200 }, true, { statusCode: 200 }],
  ['status 399', { statusCode: 399 }, true, { statusCode: 399 }],
  ['status 400', { statusCode: 400 }, false, { statusCode: 400 }],
  ['a connection', { connected: true }, true, { connected: true }],
  ['none', { connected: false, why: 'no' }, false, { connected: false }],
  ['nothing in time', { failed: 'it took longer than 5 ms' }, false, {}],
] as const satisfies readonly (readonly [string, CheckSeen, boolean, object])[]) {
  test(`${name} is ${good ? 'good' : 'bad'} and told as ${JSON.stringify(result)}`, (t) => {
    t.is(isGood(seen), good)
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
