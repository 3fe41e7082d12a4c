import { JetStreamApiError } from '@nats-io/jetstream'
import test from 'ava'
import { healthOfBucket, type StoreHealth } from '../../../../bus/nats/store-health.ts'
import { StoreSilence } from '../../../../bus/nats/store-silence.ts'
import { SimulatedClock } from '../../../../bus/simulated/clock.ts'
import { SimulatedSystem } from '../../../../bus/simulated/system.ts'
import { ClusterError } from '../../../../protocol/errors.ts'

const NO_MAJORITY = { code: 503, err_code: 10_008, description: 'temporarily unavailable' }

function aStore({ replicas = 3, isConnected = true } = {}) {
  let monotonicMs = 0
  const told: string[] = []
  const silence = new StoreSilence({
    name: 'KV_c_lease',
    replicas,
    clock: { now: () => ({ monotonicMs, wallMs: 0 }) },
    isConnected: () => isConnected,
    onFault: ({ code, message }) => told.push(`${code}: ${message}`),
  })
  const fail = (seconds: number, cause: Error = new Error('timeout')): void => {
    for (let i = 0; i <= seconds; i++) {
      silence.failed(new ClusterError('bus/store-unavailable', 'later', 'read failed', { cause }))
      monotonicMs += 1_000
    }
  }
  return { silence, told, fail }
}

test('a store that is silent for three seconds is told once, until it answers again', (t) => {
  const { silence, told, fail } = aStore()
  fail(2)
  t.deepEqual(told, [])
  fail(20)
  const asked =
    'bus/store-silent: the NATS store does not answer (stream KV_c_lease): is a majority of its 3 servers there? Nobody leads without it'
  t.deepEqual(told, [asked])
  silence.answered()
  fail(2)
  t.deepEqual(told, [asked])
  fail(2)
  t.deepEqual(told, [asked, asked])
})

test('that a majority is missing is said once the servers say so', (t) => {
  const { told, fail } = aStore()
  fail(5, new JetStreamApiError(NO_MAJORITY))
  t.regex(told[0] ?? '', /: no majority of its servers is there/)
})

test('of one server nothing is said about majorities, and of none nothing about stores', (t) => {
  const one = aStore({ replicas: 1 })
  one.fail(5)
  t.regex(one.told[0] ?? '', /\(stream KV_c_lease\): nobody leads without it$/)
  const none = aStore({ isConnected: false })
  none.fail(5)
  t.regex(none.told[0] ?? '', /no NATS server answers/)
})

const answers: Readonly<Partial<Record<StoreHealth, string>>> = {
  'no-majority': JSON.stringify({ error: NO_MAJORITY }),
  answers: JSON.stringify({ error: { code: 404, err_code: 10_059 } }),
}
for (const [health, answer] of Object.entries(answers))
  test(`the store of a bucket is ${health}`, async (t) => {
    const clock = new SimulatedClock()
    const system = new SimulatedSystem(clock)
    const [own, server] = await clock.runFor(
      Promise.all([system.connect({ name: 'own' }), system.connect({ name: 'server' })]),
    )
    server.subscribe('$JS.API.STREAM.MSG.GET.KV_c', ({ reply = '' }) =>
      server.publish(reply, new TextEncoder().encode(answer)),
    )
    const found: string = await clock.runFor(healthOfBucket(own, 'c', { clock, timeoutMs: 500 }))
    t.is(found, health)
  })
