/** What the log says of agents. */
import test from 'ava'
import type { Effect } from '../../../../actors/master/effects.ts'
import type { AgentId } from '../../../../protocol/ids.ts'
import { FakeAgent } from '../../../support/master-actors.ts'
import { effectsOf, MasterDriver } from '../../../support/master-builders.ts'

const registrationsIn = (effects: readonly Effect[]) =>
  effectsOf(effects, 'log').flatMap(({ message, fields }) =>
    /registered/.test(message) ? [fields] : [],
  )

test('the log has a line for each agent, and of many that come at once how many', (t) => {
  const master = new MasterDriver().leading()
  new FakeAgent(master, 'a1').open()
  t.deepEqual(registrationsIn(master.effects), [{ agentId: 'a1', tasks: 0 }])
  for (let i = 0; i < 100; i++) {
    const agentId = `b${i}` as AgentId
    master.state.leader?.registrations.push({ agentId, tasks: 2 })
  }
  t.deepEqual(registrationsIn(master.input({ kind: 'wake' })), [{ agents: 100, tasks: 200 }])
})

test('the same of agents that are lost', (t) => {
  const master = new MasterDriver().leading()
  for (let i = 0; i < 100; i++) {
    const agentId = `b${i}` as AgentId
    master.state.leader?.losses.push({ agentId, tasks: 3 })
  }
  const said = effectsOf(master.input({ kind: 'wake' }), 'log')
  t.like(said, [{ message: 'agents are unreachable', fields: { agents: 100, tasks: 300 } }])
})

test('of agents that come one after the other only some a second have a line of their own', (t) => {
  const master = new MasterDriver().leading()
  const said = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      master.state.leader?.registrations.push({ agentId: `b${i}` as AgentId, tasks: 2 })
      return registrationsIn(master.input({ kind: 'wake' }))
    }).flat()
  const lines = said(40)
  t.is(lines.filter((fields) => fields !== undefined && 'agentId' in fields).length, 16)
  t.deepEqual(lines.at(-1), { agents: 1, tasks: 2 })
  master.pass(1_000)
  t.deepEqual(said(1), [{ agentId: 'b0', tasks: 2 }])
})
