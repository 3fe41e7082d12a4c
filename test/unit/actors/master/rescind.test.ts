/** Offers that are taken back, and what is said then: one test for each reason. */
import test from 'ava'
import type { Effect } from '../../../../actors/master/effects.ts'
import {
  AGENT_PING_MS,
  AGENT_PINGS_MISSED_MAX,
  FRAMEWORK_PING_MS,
  FRAMEWORK_PINGS_MISSED_MAX,
  OFFER_TIMEOUT_MS,
} from '../../../../protocol/limits.ts'
import type { AgentReport } from '../../../../protocol/schema/master.ts'
import {
  aRegister,
  aStage,
  aTask,
  cpusMem,
  live,
  type Stage,
} from '../../../support/master-actors.ts'
import { eventsOf, figuresOf, statusesOf } from '../../../support/master-builders.ts'

type Register = Extract<AgentReport, { kind: 'register' }>

const info = (more: Partial<Register['info']>): Partial<Register> => ({
  info: { ...aRegister().info, ...more },
})

interface Case {
  readonly reason: string
  readonly happens: (stage: Stage) => void
}

const CASES: Readonly<Record<string, Case>> = {
  'that is not answered in time': {
    reason: 'timed-out',
    happens: (stage) => live(stage, OFFER_TIMEOUT_MS),
  },
  'of a role that its framework leaves': {
    reason: 'left-role',
    happens: ({ framework }) => void framework.call('update', { roles: ['other'] }),
  },
  'of an agent that has lost its session': {
    reason: 'agent-lost',
    happens: ({ agent }) => void agent.sayNumbered(99, { kind: 'pong' }),
  },
  'of an agent that opens another session': {
    reason: 'agent-lost',
    happens: ({ agent }) => void agent.open(),
  },
  'of an agent that stops': {
    reason: 'agent-lost',
    happens: ({ agent }) => void agent.say({ kind: 'stopping' }),
  },
  'of an agent that leaves': {
    reason: 'agent-lost',
    happens: ({ agent }) => void agent.say({ kind: 'leaving' }),
  },
  'of an agent that does not answer': {
    reason: 'agent-lost',
    happens: ({ master, framework }) =>
      live({ master, framework }, AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2)),
  },
  'of an agent that comes with other attributes': {
    reason: 'agent-changed',
    happens: ({ agent }) => void agent.open(info({ attributes: [{ name: 'rack', text: 'r2' }] })),
  },
  'of an agent that comes with other resources': {
    reason: 'agent-changed',
    happens: ({ agent }) => void agent.open(info({ resources: cpusMem(8, 4096) })),
  },
}

/** What is said while it happens. */
function saidWhile(stage: Stage, happens: (stage: Stage) => void): readonly Effect[] {
  const from = stage.master.effects.length
  happens(stage)
  return stage.master.effects.slice(from)
}

for (const [which, { reason, happens }] of Object.entries(CASES)) {
  test(`an offer ${which} is rescinded: ${reason}`, (t) => {
    const stage = aStage()
    stage.allocator.offer()
    const offers = [...stage.framework.offers]
    t.deepEqual(eventsOf(saidWhile(stage, happens), 'rescind'), [
      { kind: 'rescind', offers, reason: reason as 'timed-out' },
    ])
    t.is(stage.master.leader.offers.size, 0)
  })
}

test('offers of a framework that is away end, and nobody is there to be told', (t) => {
  const stage = aStage()
  stage.allocator.offer()
  const { master, agent } = stage
  const silentMs = FRAMEWORK_PING_MS * (FRAMEWORK_PINGS_MISSED_MAX + 2)
  const said = saidWhile(stage, () => live({ master, agent }, silentMs))
  t.is(master.framework().state, 'away')
  t.deepEqual(eventsOf(said, 'rescind'), [])
  t.is(master.leader.offers.size, 0)
})

test('offers of a subscription that another replaces are void, and nobody is told', (t) => {
  const stage = aStage()
  stage.allocator.offer()
  const said = saidWhile(stage, ({ framework }) => void framework.subscribe())
  t.deepEqual(eventsOf(said, 'rescind'), [])
  t.is(stage.master.leader.offers.size, 0)
})

test('an accept that crosses the rescind is told why its tasks are dropped', (t) => {
  const stage = aStage()
  stage.allocator.offer()
  const offers = [...stage.framework.offers]
  stage.agent.open(info({ attributes: [] }))
  const said = saidWhile(stage, ({ framework }) => void framework.accept(offers, aTask()))
  t.like(statusesOf(said)[0], {
    state: 'TASK_DROPPED',
    reason: 'INVALID_OFFERS',
    message: `offer ${offers[0]} was taken back: its agent has other resources or attributes now`,
  })
})

test('what was declined of an agent is no matter when it comes with other attributes', (t) => {
  const stage = aStage()
  const decline = (): void => {
    stage.allocator.offer()
    stage.framework.call('decline', { offers: [...stage.framework.offers], refuseMs: 3_600_000 })
  }
  const filters = (said: readonly Effect[]) =>
    figuresOf(said).flatMap((figure) => (figure.kind === 'filter' ? [figure.declined.length] : []))
  decline()
  t.deepEqual(filters(saidWhile(stage, ({ agent }) => void agent.open())), [1])
  const changed = info({ attributes: [{ name: 'disk', text: 'ssd' }] })
  t.deepEqual(filters(saidWhile(stage, ({ agent }) => void agent.open(changed))), [0])
})

test('an agent that comes with other attributes is told of anew', (t) => {
  const stage = aStage()
  const attributes = [{ name: 'rack', text: 'r2' }]
  const said = saidWhile(stage, ({ agent }) => void agent.open(info({ attributes })))
  t.like(
    figuresOf(said).find(({ kind }) => kind === 'agent-info'),
    { attributes },
  )
})
