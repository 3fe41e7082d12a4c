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
