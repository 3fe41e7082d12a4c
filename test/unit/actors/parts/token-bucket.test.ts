import test from 'ava'
import { CallAdmission, DEFAULT_CALL_RATES } from '../../../../actors/parts/admission.ts'
import { TokenBuckets } from '../../../../actors/parts/token-bucket.ts'
import type { FrameworkId, FrameworkKey, Principal } from '../../../../protocol/ids.ts'
import { ACCEPT_BYTES_MAX, CALL_BYTES, FRAMEWORK_CALLS_PER_S } from '../../../../protocol/limits.ts'

const taken = (buckets: TokenBuckets, key: string, times: number, nowMs: number): number =>
  Array.from({ length: times }, () => buckets.take(key, nowMs)).filter(Boolean).length

test('a bucket gives what it holds, then what flows in', (t) => {
  const buckets = new TokenBuckets({ perS: 10, burst: 5 }, 100)
  t.is(taken(buckets, 'a', 100, 0), 5)
  t.is(taken(buckets, 'a', 100, 99), 0)
  t.is(taken(buckets, 'a', 100, 200), 2)
  t.is(taken(buckets, 'b', 100, 200), 5)
})

test('a bucket holds no more after a long time', (t) => {
  const buckets = new TokenBuckets({ perS: 10, burst: 5 }, 100)
  t.is(taken(buckets, 'a', 100, 1e9), 5)
})

test('keys that strangers invent take bounded memory, and share one bucket', (t) => {
  const buckets = new TokenBuckets({ perS: 1, burst: 2 }, 100)
  let given = 0
  for (let i = 0; i < 10_000; i++) given += taken(buckets, `k${i}`, 1, 0)
  t.is(buckets.size, 100)
  t.is(given, 102)
})

test('buckets that are full again make room', (t) => {
  const buckets = new TokenBuckets({ perS: 1, burst: 2 }, 100)
  for (let i = 0; i < 100; i++) buckets.take(`k${i}`, 0)
  t.true(buckets.take('new', 5_000))
  t.true(buckets.size < 100)
  t.is(taken(buckets, 'new', 9, 5_000), 1)
})

test('who has spent more than there was gets nothing until it is paid', (t) => {
  const buckets = new TokenBuckets({ perS: 10, burst: 5 }, 100)
  buckets.spend('a', 0, 15)
  t.is(taken(buckets, 'a', 9, 1_000), 0)
  t.is(taken(buckets, 'a', 9, 1_200), 2)
  t.is(taken(buckets, 'b', 9, 0), 5)
})

test('who has too few for all takes none', (t) => {
  const buckets = new TokenBuckets({ perS: 1, burst: 5 }, 100)
  t.deepEqual(
    [buckets.take('a', 0, 3), buckets.take('a', 0, 3), buckets.take('a', 0, 2)],
    [true, false, true],
  )
})

const [P, Q] = ['p', 'q'] as [Principal, Principal]
const framework = (principal: Principal, id: string): FrameworkKey => ({
  principal,
  frameworkId: id as FrameworkId,
})
const RATES = {
  framework: { perS: 1, burst: 10 },
  principal: { perS: 1, burst: 15 },
  operator: { perS: 1, burst: 2 },
  answers: { perS: 1, burst: 3 },
}

test('what is over is refused, and after a few times without a word', (t) => {
  const admission = new CallAdmission(RATES)
  const given = Array.from({ length: 20 }, () => admission.framework(framework(P, 'f'), 1, 0))
  t.deepEqual(given, [
    ...Array.from({ length: 10 }, () => 'admitted'),
    ...Array.from({ length: 3 }, () => 'refused'),
    ...Array.from({ length: 7 }, () => 'silenced'),
  ])
})

const admitted = (admission: CallAdmission, caller: FrameworkKey, bytes = 1): number =>
  Array.from({ length: 100_000 }, () => admission.framework(caller, bytes, 0)).filter(
    (given) => given === 'admitted',
  ).length

test('a long call counts as many: it takes as long to read', (t) => {
  t.is(admitted(new CallAdmission(RATES), framework(P, 'f'), CALL_BYTES), 10)
  t.is(admitted(new CallAdmission(RATES), framework(P, 'f'), CALL_BYTES + 1), 5)
  t.is(admitted(new CallAdmission(RATES), framework(P, 'f'), 11 * CALL_BYTES), 0)
  const admission = new CallAdmission(DEFAULT_CALL_RATES)
  t.is(admitted(admission, framework(P, 'f'), ACCEPT_BYTES_MAX), 104)
  t.is(
    admitted(new CallAdmission(DEFAULT_CALL_RATES), framework(P, 'f')),
    2 * FRAMEWORK_CALLS_PER_S,
  )
})

test('a framework that floods leaves its siblings their part, and strangers theirs', (t) => {
  const admission = new CallAdmission(RATES)
  for (let i = 0; i < 100; i++) admission.framework(framework(P, 'f'), 1, 0)
  t.is(admitted(admission, framework(P, 'g')), 5)
  t.is(admitted(admission, framework(Q, 'f')), 10)
  t.is(admission.operator(P, 1, 0), 'admitted')
})
