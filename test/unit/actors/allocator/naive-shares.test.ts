/** Held against a model that computes all shares anew for each agent. */
import test from 'ava'
import fc from 'fast-check'
import type { AgentId } from '../../../../protocol/ids.ts'
import { type History, histories, outOfStep } from '../../../support/allocator-history.ts'
import type { Agent, Member } from '../../../support/leader-books.ts'
import { firstFor } from '../../../support/naive-shares.ts'

/** Agents that went to late ones are at their disposal again. */
const LATE_WINDOW_MS = 1_000

function firstOf(history: History, agent: Agent): readonly string[] {
  const { agentId, free } = agent
  const isUnwanted = (member: Member) => history.isUnwanted(member, agentId, free)
  return firstFor(history.books, agent, isUnwanted).map(({ key }) => key)
}

test('an agent that comes goes to whoever is first by weights and dominant shares', (t) => {
  let [compared, chosen] = [0, 0]
  const luck = fc.array(fc.nat(5), { minLength: 1, maxLength: 60 })
  const sizes = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(histories, luck, sizes, (all, chances, agents) => {
      const history = outOfStep(
        all.filter((step) => step.do !== 'quota'),
        chances,
      )
      const { books } = history
      history.pass(LATE_WINDOW_MS)
      history.settle()
      agents.forEach((cpus, i) => {
        const agentId = `next${i}` as AgentId
        history.apply({ do: 'agent', agent: agentId, cpus })
        const agent = books.agents.get(agentId)
        const due = agent === undefined ? [] : firstOf(history, agent)
        const given: string[] = []
        history.settle((_, outcome) => {
          if (typeof outcome === 'string') throw new Error(outcome)
          if (outcome.agentId === agentId) given.push(outcome.member.key)
        })
        if (due.length === 0 && given.length === 0) return
        compared += 1
        if (due.length === 1) chosen += 1
        if (given.length !== 1 || !due.includes(given[0] as string))
          throw new Error(`${agentId} went to ${given.join()}, not to one of ${due.join()}`)
      })
    }),
    { numRuns: 100 },
  )
  t.log(`${compared} compared, ${chosen} of which had one first`)
  t.true(chosen > 100)
})
