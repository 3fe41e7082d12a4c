import test from 'ava'
import fc from 'fast-check'
import { compareFence, compareSubscription } from '../../../../actors/parts/fence.ts'
import { hear, newSession, nextNumber } from '../../../../actors/parts/session.ts'
import type { RunId, SessionId } from '../../../../protocol/ids.ts'
import { EPOCH_JUMP_MAX } from '../../../../protocol/limits.ts'

const RUN = '00000000000000aa' as RunId
const OTHER = '00000000000000bb' as RunId
const ID = '00000000000000cc' as SessionId

test('the first message is number 1, each next one higher', (t) => {
  const session = newSession(ID)
  t.deepEqual([nextNumber(session), nextNumber(session), session.said], [1, 2, 2])
})

test('the next number is heard, a lower one was heard before, a higher one is a gap', (t) => {
  const session = newSession(ID)
  t.is(hear(session, 2), 'gap')
  t.is(hear(session, 1), 'next')
  t.is(hear(session, 1), 'repeated')
  t.is(hear(session, 3), 'gap')
  t.is(session.heard, 1)
  t.is(hear(session, 2), 'next')
  t.is(session.heard, 2)
})

test('whatever arrives, each number is taken once and in order', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 12 }), { size: 'max', maxLength: 100 }),
      (all) => {
        const session = newSession(ID)
        const taken = all.filter((n) => hear(session, n) === 'next')
        t.deepEqual(
          taken,
          taken.map((_, i) => i + 1),
        )
        t.is(session.heard, taken.length)
      },
    ),
  )
})

test('the higher epoch counts; of one epoch the run that was heard first', (t) => {
  const highest = { epoch: 5, run: RUN }
  t.is(compareFence(undefined, highest), 'higher')
  t.is(compareFence(highest, { epoch: 6, run: OTHER }), 'higher')
  t.is(compareFence(highest, { epoch: 6, run: RUN }), 'higher')
  t.is(compareFence(highest, highest), 'current')
  t.is(compareFence(highest, { epoch: 5, run: OTHER }), 'lower')
  t.is(compareFence(highest, { epoch: 4, run: RUN }), 'lower')
})

test('an epoch too far above the highest is absurd; the first one heard never is', (t) => {
  const highest = { epoch: 5, run: RUN }
  t.is(compareFence(highest, { epoch: 5 + EPOCH_JUMP_MAX, run: RUN }), 'higher')
  t.is(compareFence(highest, { epoch: 6 + EPOCH_JUMP_MAX, run: RUN }), 'absurd')
  t.is(compareFence(undefined, { epoch: 3 * EPOCH_JUMP_MAX, run: RUN }), 'higher')
})

test('subscriptions are ordered by epoch, then count', (t) => {
  const order = [
    { epoch: 1, count: 1 },
    { epoch: 1, count: 9 },
    { epoch: 2, count: 1 },
  ]
  for (const [i, a] of order.entries()) {
    for (const [j, b] of order.entries())
      t.is(Math.sign(compareSubscription(a, b)), Math.sign(i - j))
  }
})
