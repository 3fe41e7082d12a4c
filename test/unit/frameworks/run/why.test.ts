/** Why a run is offered nothing, as the leader says. */
import test from 'ava'
import { whyNothing } from '../../../../frameworks/run/why.ts'
import type { AgentId, FrameworkId, Principal } from '../../../../protocol/ids.ts'
import type { Explained, OwnExplanation } from '../../../../protocol/schema/explain.ts'

function why(explained: Partial<Explained> | undefined, more: Partial<OwnExplanation> = {}) {
  const member = {
    principal: 'local' as Principal,
    frameworkId: 'sh-1' as FrameworkId,
    role: '*',
    name: 'sh',
    state: 'subscribed' as const,
    suppressed: false,
    left: false,
    tasks: 0,
    offers: 0,
    declinedLast: false,
    ...(explained && { explained: { kind: 'explained' as const, question: 1, ...explained } }),
  }
  return whyNothing({ members: [member], absent: 0, allocator: true, ...more })
}

const nothing = (...said: Parameters<typeof why>): string | undefined => why(...said).nothing

test('one reason is told for all agents, with what is said of it', (t) => {
  const detail = 'role batch has 4 of its limit of 4 cpus'
  const examples = [{ reason: 'limit' as const, agentId: 'a1' as AgentId, detail }]
  t.is(
    nothing({ counts: { limit: 2 }, examples }),
    `nothing is offered: the limit of its role is reached (${detail})`,
  )
})

test('several reasons are told with how many agents each keeps away', (t) => {
  t.is(
    nothing({ counts: { 'none-free': 3, gpus: 1, filtered: 2 } }),
    'nothing is offered: what is free has GPUs, which are for those who ask for them, on 1 of 6 agents; all is used or offered, on 3 of 6 agents',
  )
})

test('where no agent is, that is told', (t) => {
  t.is(nothing({ counts: {} }), 'nothing is offered: no agent is there')
  t.is(
    nothing({ counts: {} }, { absent: 2 }),
    'nothing is offered: no agent is there, and 2 do not answer',
  )
})

test('what does not help, or is not known, is not told', (t) => {
  t.is(nothing({ counts: { next: 1 } }), undefined)
  t.is(nothing({ unanswered: 'unknown' }), undefined)
  t.is(nothing(undefined), undefined)
})

test('without an allocator that is told', (t) => {
  const silent = 'nothing is offered: no allocator answers'
  t.is(nothing({ counts: { limit: 1 } }, { allocator: false }), silent)
  t.is(nothing(undefined, { allocator: false }), silent)
})

test('of what was offered, which quota left no more', (t) => {
  const cut = (...examples: NonNullable<Explained['examples']>) =>
    why({ counts: { filtered: 1 }, examples }).cut
  const agentId = 'a1' as AgentId
  const declined = { agentId, reason: 'filtered' as const, detail: 'is offered cpus 1' }
  t.is(cut(declined), undefined)
  t.is(
    cut({ ...declined, cutBy: 'headroom' }),
    'more is free, but kept for guarantees of other roles',
  )
  t.is(
    cut({ ...declined, cutBy: 'headroom' }, { ...declined, cutBy: 'limit' }),
    'the limit of its role leaves no more (a1: is offered cpus 1)',
  )
  t.is(
    cut({ agentId, reason: 'headroom' }, { agentId, reason: 'limit', detail: 'has 2 of 2 cpus' }),
    'the limit of its role leaves no more (a1: has 2 of 2 cpus)',
  )
})
