/** Nothing stays closed to somebody who may have it, whatever was said and in whichever order. */
import test from 'ava'
import fc from 'fast-check'
import { judge, newLook } from '../../../../actors/allocator/judging/judgement.ts'
import { History, histories } from '../../../support/allocator-history.ts'

/** Why each member that is to be asked does not get each agent; throws if one may have it. */
function reasonsOf({ allocator }: History): readonly string[] {
  const { books } = allocator.state
  const now = { monotonicMs: allocator.nowMs, wallMs: 1e12 + allocator.nowMs }
  const asked = [...books.members.values()].filter(({ line }) => line !== undefined)
  return [...books.agents.values()].flatMap((agent) =>
    asked.flatMap((member) =>
      (['guarantee', 'fair'] as const).map((stage) => {
        const verdict = judge(newLook(books, agent, now), member, stage)
        if (typeof verdict === 'string') return verdict
        throw new Error(`${agent.agentId} may go to ${member.name}: ${stage}`)
      }),
    ),
  )
}

test('when nothing is left to do, nobody who is to be asked may have any agent', (t) => {
  const counts = new Map<string, number>()
  fc.assert(
    fc.property(histories, (all) => {
      const history = new History()
      for (const step of all) {
        history.apply(step)
        history.settle()
        for (const reason of reasonsOf(history)) counts.set(reason, (counts.get(reason) ?? 0) + 1)
      }
    }),
    { numRuns: 100 },
  )
  const said = [...counts].sort(([, a], [, b]) => b - a)
  t.log(said.map(([reason, count]) => `${reason} ${count}`).join(', '))
  for (const reason of ['limit', 'headroom', 'filtered', 'constraints', 'too-small']) {
    t.true((counts.get(reason) ?? 0) > 0, reason)
  }
})
