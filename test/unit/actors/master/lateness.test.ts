import test from 'ava'
import { DECLINE_FILTER_MS, LATE_MS_MAX, OFFER_TIMEOUT_MS } from '../../../../protocol/limits.ts'
import { aStage, aTask, cpusMem, live } from '../../../support/master-actors.ts'
import { figuresOf } from '../../../support/master-builders.ts'

type Stage = ReturnType<typeof aStage>

function offer({ allocator }: Stage): void {
  allocator.offer({ resources: cpusMem(1, 32) })
}

function decline(stage: Stage): void {
  offer(stage)
  stage.framework.call('decline', { offers: [...stage.framework.offers], refuseMs: 0 })
}

const isLate = ({ master }: Stage): boolean | undefined =>
  master.framework().roles.get('*')?.isDeclinedLast

/** How long a decline counts now, in seconds. */
function lateSeconds(stage: Stage): number {
  decline(stage)
  let seconds = 0
  for (; isLate(stage); seconds++) live(stage, 1_000)
  return seconds
}

test('a decline counts for a while, and for twice as long with each one more in a row', (t) => {
  const stage = aStage()
  const seconds = Array.from({ length: 8 }, () => lateSeconds(stage))
  t.deepEqual(seconds, [5, 10, 20, 40, 80, 160, 320, 600])
  t.is(seconds[0], DECLINE_FILTER_MS / 1_000)
  t.is(lateSeconds(stage), LATE_MS_MAX / 1_000)
})

test('the allocator hears that it is over', (t) => {
  const stage = aStage()
  decline(stage)
  const from = stage.master.effects.length
  live(stage, DECLINE_FILTER_MS)
  const members = figuresOf(stage.master.effects.slice(from)).filter(
    ({ kind }) => kind === 'member',
  )
  t.like(members, [{ declinedLast: false }])
})

test('whoever launches something is late no more, and begins anew', (t) => {
  const stage = aStage()
  for (let i = 0; i < 4; i++) decline(stage)
  offer(stage)
  stage.framework.accept(stage.framework.offers, aTask('t1', { resources: { cpus: 1 } }))
  t.is(isLate(stage), false)
  t.is(lateSeconds(stage), 5)
})

test('an accept that launches nothing is a decline', (t) => {
  const stage = aStage()
  offer(stage)
  stage.framework.accept(stage.framework.offers)
  t.is(isLate(stage), true)
  live(stage, DECLINE_FILTER_MS)
  t.is(isLate(stage), false)
})

test('an offer that timed out counts until another is answered', (t) => {
  const stage = aStage()
  decline(stage)
  offer(stage)
  live(stage, OFFER_TIMEOUT_MS + LATE_MS_MAX / 2)
  t.is(isLate(stage), true)
  decline(stage)
  live(stage, 2 * DECLINE_FILTER_MS)
  t.is(isLate(stage), false)
})
