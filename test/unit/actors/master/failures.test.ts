/** How frameworks are told of agents that are lost: of many, to many. */
import test from 'ava'
import { tellFailure } from '../../../../actors/master/agents/failures.ts'
import type { AgentId } from '../../../../protocol/ids.ts'
import { FakeFramework } from '../../../support/master-actors.ts'
import { effectsOf, eventsOf, MasterDriver } from '../../../support/master-builders.ts'

/** What one turn may say. */
const TURN_MAX = 1_400

const namesOf = (letter: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${letter}${i}`)

/** A leader with these frameworks, of which nothing is flushed from here on. */
function aLeader(frameworks: readonly string[]) {
  const master = new MasterDriver().leading()
  const all = frameworks.map((name) => new FakeFramework(master, name))
  for (const framework of all) framework.subscribe()
  master.isFlushing = false
  const lose = (...names: readonly string[]): void => {
    for (const name of names) tellFailure(master, name as AgentId)
  }
  return { master, frameworks: all, lose }
}

/** How many failures were said, turn by turn. */
function turnsOf(master: MasterDriver): readonly number[] {
  const turns: number[] = []
  for (let said = master.endTurn(); said !== undefined; said = master.endTurn()) {
    const events = effectsOf(said, 'send-events').flatMap(({ body }) => body.events)
    turns.push(events.filter(({ kind }) => kind === 'failure').length)
  }
  return turns
}

test('each framework hears of each agent once, in turns', (t) => {
  const { master, frameworks, lose } = aLeader(namesOf('f', 12))
  const lost = namesOf('a', 300)
  lose(...lost)
  const from = master.effects.length
  const turns = turnsOf(master)
  t.true(turns.length > 1)
  t.true(turns.every((count) => count <= TURN_MAX))
  for (const { key } of frameworks) {
    const heard = eventsOf(master.effects.slice(from), 'failure', key)
    t.deepEqual(
      heard.map(({ agentId }) => agentId),
      lost as AgentId[],
    )
  }
})

test('of one agent many frameworks hear in turns', (t) => {
  const { master, lose } = aLeader(namesOf('f', 200))
  lose('a1')
  const turns = turnsOf(master)
  t.true(turns.length > 1)
  t.is(
    turns.reduce((sum, count) => sum + count, 0),
    200,
  )
})

test('of an agent that is lost meanwhile all hear, also those that were told of the others', (t) => {
  const { master, frameworks, lose } = aLeader(namesOf('f', 200))
  lose('a1')
  const from = master.effects.length
  master.endTurn()
  lose('a2')
  turnsOf(master)
  for (const { key } of frameworks) {
    const heard = eventsOf(master.effects.slice(from), 'failure', key)
    t.deepEqual(
      heard.map(({ agentId }) => agentId),
      ['a1', 'a2'] as AgentId[],
    )
  }
})

test('who is away is not told', (t) => {
  const { master, frameworks, lose } = aLeader(['f1', 'f2'])
  const [away, there] = frameworks as [FakeFramework, FakeFramework]
  away.call('hand-over', {})
  lose('a1')
  const from = master.effects.length
  turnsOf(master)
  const heard = (framework: FakeFramework) =>
    eventsOf(master.effects.slice(from), 'failure', framework.key).length
  t.is(heard(away), 0)
  t.is(heard(there), 1)
})
