/** What is said of an agent that is not there to be read from. */
import test from 'ava'
import { whyUnread } from '../../../cli/agents-away.ts'
import { type ClusterError, type Refusal, refusal } from '../../../protocol/errors.ts'
import type { AgentId } from '../../../protocol/ids.ts'
import type { AgentItem } from '../../../protocol/schema/operator.ts'
import { aWorld, serveOperators } from '../../support/operator-world.ts'

const A1 = 'a1' as AgentId

/** Asks a leader that refuses; an agent in that state is listed, or none. */
async function asked(refused: Refusal, state?: AgentItem['state']): Promise<ClusterError> {
  const { client, leader, clock } = await aWorld()
  const agent = { agentId: A1, state, attributes: [], total: [], used: [], offered: [], tasks: 1 }
  serveOperators({ leader, clock }, (_, { verb }, message) => {
    if (verb !== 'agents') leader.refuse(message, refused)
    else leader.answer(message, { items: state === undefined ? [] : [agent] })
  })
  const error = await clock.runFor(client.ask('mark-gone', { agentId: A1 }).catch((e) => e))
  return await clock.runFor(whyUnread(client, A1, error))
}

const UNREACHABLE = refusal('conflict', 'agent a1 is unreachable')

for (const state of ['unreachable', 'stopped', 'recovering'] as const)
  test(`of an agent that is ${state} it is said when it can be read`, async (t) => {
    const { message } = await asked(UNREACHABLE, state)
    t.is(message, `agent a1 is ${state}: what its tasks wrote can be read when it is back`)
  })

for (const state of [undefined, 'registered', 'gone'] as const)
  test(`of one that is ${state ?? 'not known'} the leader’s own words are shown, and no subject`, async (t) => {
    const { message } = await asked(UNREACHABLE, state)
    t.is(message, 'the leader refused: conflict: agent a1 is unreachable')
  })
