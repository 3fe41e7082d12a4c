import test from 'ava'
import { memberFigure } from '../../../../actors/master/allocator/figures.ts'
import {
  DECLINE_FILTER_MS,
  LATE_MS_MAX,
  OFFER_TIMEOUT_MS,
  OFFERS_UNANSWERED_MAX,
} from '../../../../protocol/limits.ts'
import { aStage, aTask, cpusMem, live } from '../../../support/master-actors.ts'

type Stage = ReturnType<typeof aStage>

function decline({ allocator, framework }: Stage): void {
  allocator.offer({ resources: cpusMem(1, 32) })
  framework.call('decline', { offers: [...framework.offers] })
}

const isLate = ({ master }: Stage): boolean | undefined =>
  master.framework().roles.get('*')?.isDeclinedLast

test('who declines and revives again and again is asked with the others once in a while', (t) => {
  const stage = aStage()
  decline(stage)
  stage.framework.call('revive', {})
  t.is(isLate(stage), false)
  decline(stage)
  stage.framework.call('revive', {})
  t.is(isLate(stage), true)
  stage.framework.subscribe()
  t.is(isLate(stage), true, 'to subscribe anew is no better')
  live(stage, DECLINE_FILTER_MS)
  stage.framework.call('revive', {})
  t.is(isLate(stage), false)
})

test('who has launched something since is asked with the others as often as it revives', (t) => {
  const stage = aStage()
  for (const taskId of ['t1', 't2', 't3']) {
    decline(stage)
    stage.framework.call('revive', {})
    t.is(isLate(stage), false)
    stage.allocator.offer({ resources: cpusMem(1, 32) })
    stage.framework.accept(stage.framework.offers, aTask(taskId, { resources: { cpus: 1 } }))
  }
})

test('filters are gone with each revive', (t) => {
  const stage = aStage()
  for (let i = 0; i < 3; i++) {
    decline(stage)
    t.is(stage.master.framework().roles.get('*')?.filters.size, 1)
    stage.framework.call('revive', {})
    t.is(stage.master.framework().roles.get('*')?.filters.size, 0)
  }
})

test('who lets an offer time out is not asked with the others before it has answered one', (t) => {
  const stage = aStage()
  const { allocator, framework } = stage
  allocator.offer()
  live(stage, OFFER_TIMEOUT_MS)
  framework.call('revive', {})
  t.is(isLate(stage), true)
  decline(stage)
  framework.call('revive', {})
  t.is(isLate(stage), false)
})

test('who lets an offer time out is tried with a single one after ten minutes', (t) => {
  const stage = aStage()
  const { allocator, framework, master } = stage
  const figure = () => memberFigure(master.framework(), '*')
  allocator.offer()
  live(stage, OFFER_TIMEOUT_MS)
  t.like(figure(), { declinedLast: true, offers: 0 })
  live(stage, LATE_MS_MAX)
  t.like(figure(), { declinedLast: false, offers: OFFERS_UNANSWERED_MAX - 1 })
  allocator.offer({ resources: cpusMem(1, 32) })
  t.like(figure(), { offers: OFFERS_UNANSWERED_MAX })
  live(stage, OFFER_TIMEOUT_MS)
  t.like(figure(), { declinedLast: true, offers: 0 })
  live(stage, LATE_MS_MAX)
  allocator.offer({ resources: cpusMem(1, 32) })
  framework.accept(framework.offers.slice(-1), aTask('t1', { resources: { cpus: 1 } }))
  t.like(figure(), { declinedLast: false, offers: 0 })
})

test('a new subscription makes up for an offer that timed out', (t) => {
  const stage = aStage()
  stage.allocator.offer()
  live(stage, OFFER_TIMEOUT_MS)
  stage.framework.subscribe()
  t.is(isLate(stage), false)
})
