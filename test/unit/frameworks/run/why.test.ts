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

test('one reason is told for all agents, with what is said of it', (t) => {
  const detail = 'role batch has 4 of its limit of 4 cpus'
  const examples = [{ reason: 'limit' as const, agentId: 'a1' as AgentId, detail }]
  t.is(
    why({ counts: { limit: 2 }, examples }),
    `nothing is offered: the limit of its role is reached (${detail})`,
  )
})

test('several reasons are told with how many agents each keeps away', (t) => {
  t.is(
    why({ counts: { 'none-free': 3, gpus: 1, filtered: 2 } }),
    'nothing is offered: what is free has GPUs, which are for those who ask for them, on 1 of 6 agents; all is used or offered, on 3 of 6 agents',
  )
})

test('where no agent is, that is told', (t) => {
  t.is(why({ counts: {} }), 'nothing is offered: no agent is there')
  t.is(
    why({ counts: {} }, { absent: 2 }),
    'nothing is offered: no agent is there, and 2 do not answer',
  )
})

test('what does not help, or is not known, is not told', (t) => {
  t.is(why({ counts: { next: 1 } }), undefined)
  t.is(why({ unanswered: 'unknown' }), undefined)
  t.is(why(undefined), undefined)
  t.is(why({ counts: { limit: 1 } }, { allocator: false }), undefined)
})
