/** What a member said when it declined last. */
import test from 'ava'
import { DECLINE_FILTER_MS, OFFER_TIMEOUT_MS } from '../../../../protocol/limits.ts'
import { aStage, aTask, live } from '../../../support/master-actors.ts'

test('the last decline is remembered, with what the framework said and when', (t) => {
  const stage = aStage()
  const { master, framework, allocator } = stage
  const member = master.framework().roles.get('*')
  t.is(member?.lastDecline, undefined)
  allocator.offer()
  framework.call('decline', { offers: [...framework.offers], reason: 'no SSD' })
  t.deepEqual(member?.lastDecline, { reason: 'no SSD', atMs: master.nowMs })
  live(stage, DECLINE_FILTER_MS)
  allocator.offer()
  framework.call('decline', { offers: [...framework.offers] })
  t.deepEqual(member?.lastDecline, { reason: undefined, atMs: master.nowMs })
})

test('an offer that timed out, and what an accept leaves over, are no declines', (t) => {
  const stage = aStage()
  const { master, framework, allocator } = stage
  allocator.offer()
  live(stage, OFFER_TIMEOUT_MS)
  t.deepEqual(framework.offers, [])
  allocator.offer()
  framework.accept(framework.offers, aTask())
  t.is(master.framework().roles.get('*')?.lastDecline, undefined)
})
