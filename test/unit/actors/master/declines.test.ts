/** What a member said when it declined last, and that it is not offered that again. */
import test from 'ava'
import { allocatorCore } from '../../../../actors/allocator/core.ts'
import type { Effect as AllocatorEffect } from '../../../../actors/allocator/effects.ts'
import { drf } from '../../../../actors/allocator/policies/drf.ts'
import { newState } from '../../../../actors/allocator/state.ts'
import {
  DECLINE_FILTER_MS,
  OFFER_TIMEOUT_MS,
  OFFERS_UNANSWERED_MAX,
} from '../../../../protocol/limits.ts'
import {
  aStage,
  aTask,
  cpusMem,
  FakeAgent,
  FakeFramework,
  live,
} from '../../../support/master-actors.ts'
import { effectsOf, figuresOf, MasterDriver } from '../../../support/master-builders.ts'

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
  live(stage, DECLINE_FILTER_MS)
  allocator.offer()
  framework.accept(framework.offers, aTask())
  t.is(master.framework().roles.get('*')?.lastDecline, undefined)
})

test('what a filter covers is not offered, and the allocator hears of the filter again', (t) => {
  const stage = aStage()
  const { master, framework, allocator } = stage
  allocator.offer({ resources: cpusMem(2, 64) })
  framework.call('decline', { offers: [...framework.offers], refuseMs: 10_000 })
  const from = master.effects.length
  t.is(allocator.offer({ resources: cpusMem(2, 32) }).outcome, 'refused')
  const figures = figuresOf(master.effects.slice(from))
  const forMs = figures.map((figure) => figure.kind === 'filter' && figure.declined[0]?.forMs)
  t.true(forMs.includes(10_000))
  t.is(allocator.offer({ resources: cpusMem(2.001, 32) }).outcome, 'made')
  live(stage, 10_000)
  t.is(allocator.offer({ resources: cpusMem(1, 32) }).outcome, 'made')
})

/** With their filters they are more than an allocator is told of in one turn. */
const MANY = OFFERS_UNANSWERED_MAX

test('of very many offers that are declined at once none comes again', (t) => {
  const master = new MasterDriver().leading()
  for (let i = 1; i <= MANY; i++) new FakeAgent(master, `a${i}`).open()
  const framework = new FakeFramework(master)
  framework.subscribe()
  master.isFlushing = false
  const state = newState('0123456789abcdef0123456789abcdef', drf)
  const now = () => ({ monotonicMs: master.nowMs, wallMs: 0 })
  const report = (effects: readonly AllocatorEffect[]): void => {
    for (const effect of effects)
      if (effect.do === 'publish') master.input({ kind: 'allocator-reports', body: effect.message })
  }
  /** A turn of the leader, then those of the allocator, until both are done. */
  const settle = (): void => {
    for (let effects = master.endTurn(); effects !== undefined; effects = master.endTurn()) {
      for (const { body: message } of effectsOf(effects, 'send-figures'))
        report(allocatorCore.handle(state, { kind: 'figures', message }, now()))
      while (allocatorCore.wantsFlush(state))
        report(allocatorCore.handle(state, { kind: 'flush' }, now()))
    }
  }
  const beat = effectsOf(master.effects, 'send-leader-beat').at(-1)?.body
  if (beat === undefined) return t.fail('no beat')
  report(allocatorCore.handle(state, { kind: 'beat', beat }, now()))
  master.nowMs += 600
  report(allocatorCore.handle(state, { kind: 'wake' }, now()))
  settle()
  t.is(framework.offers.length, MANY)
  framework.call('decline', { offers: [...framework.offers], refuseMs: 3_600_000 })
  settle()
  t.deepEqual(framework.offers, [])
})
