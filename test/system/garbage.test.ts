import test from 'ava'
import { runGarbage } from '../garbage/run.ts'
import { summary } from '../garbage/summary.ts'
import { targets } from '../garbage/targets.ts'

const SEED = 7

test('every route of the protocol has somebody who speaks garbage on it', (t) => {
  t.true(targets().length > 30)
})

test('10,000 messages of garbage on every subject: nobody dies, and a task runs afterwards', async (t) => {
  t.timeout(120_000)
  const outcome = await runGarbage({ messages: 10_000, seed: SEED })
  for (const line of summary(outcome)) t.log(line)
  for (const name of ['malformed', 'invalid', 'too-large', 'unknown-verb'])
    t.true((outcome.refused.get(name) ?? 0) > 0, `something was ${name}`)
})

test('the same with the credentials of each who speaks, which NATS keeps to', async (t) => {
  t.timeout(120_000)
  const outcome = await runGarbage({ messages: 10_000, seed: SEED, withCredentials: true })
  for (const line of summary(outcome)) t.log(line)
  t.true((outcome.refused.get('invalid') ?? 0) > 0)
})
