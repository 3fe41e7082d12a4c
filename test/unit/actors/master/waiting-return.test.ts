/** Agents that a new leader waits for, and that cannot open a session yet. */
import test from 'ava'
import type { AgentId } from '../../../../protocol/ids.ts'
import { aStage } from '../../../support/master-actors.ts'
import { type MasterDriver, RULES } from '../../../support/master-builders.ts'

function sayWaiting(master: MasterDriver): void {
  const reports = [{ kind: 'waiting' as const, why: 'its disk is full' }]
  master.input({ kind: 'agent-reports', agentId: 'a1' as AgentId, body: { reports } })
}

test('an agent that says that it waits, while its loss is written after a takeover, is not lost', (t) => {
  const master = aStage().master.successor()
  t.is(master.agent('a1').state, 'recovering')
  master.pass(RULES.reregisterMs - 3_000)
  t.is(master.agent('a1').state, 'recovering')
  master.holding.add('registry')
  master.pass(4_000)
  t.is(master.leader.registry.queue.length, 1)
  sayWaiting(master)
  master.release('done')
  t.is(master.agent('a1').state, 'recovering')
})

test('one that says so once and then nothing is lost when its time is over', (t) => {
  const master = aStage().master.successor()
  sayWaiting(master)
  master.pass(RULES.reregisterMs + 60_000)
  t.is(master.agent('a1').state, 'unreachable')
})
