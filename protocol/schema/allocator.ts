/** What the allocator receives: absolute, versioned figures of the leader. */
import Type, { type Static } from 'typebox'
import {
  AgentIdToken,
  Epoch,
  FrameworkIdToken,
  HeardNumber,
  MessageNumber,
  PrincipalToken,
  ResourceList,
  Role,
  RunToken,
  SessionToken,
} from './common.ts'
import { durationMs, integer, item, list, message, oneOf, word } from './shapes.ts'

const framework = { principal: PrincipalToken, frameworkId: FrameworkIdToken }

/**
 * An agent as it is now. `free`: neither held by a task nor offered. Replaces what was said before.
 */
export const AgentFigure = item('agent', 'An agent as it is now.', {
  agentId: AgentIdToken,
  version: integer(0, Number.MAX_SAFE_INTEGER),
  total: ResourceList,
  free: ResourceList,
})

/** A framework's role as it is now. `allocated`: held by its tasks or offered to it, everywhere. */
export const RoleFigure = item('role', "A framework's role as it is now.", {
  ...framework,
  role: Role,
  suppressed: Type.Boolean(),
  allocated: ResourceList,
  /** Its last answer was a decline or none in time: it is asked after all others. */
  declinedLast: Type.Boolean(),
  /** That it has and has not answered. */
  offers: integer(0, Number.MAX_SAFE_INTEGER),
})

/** What a framework's role has declined of an agent; all of it, each time. */
export const FilterFigure = item('filter', 'What a role has declined of an agent.', {
  ...framework,
  role: Role,
  agentId: AgentIdToken,
  declined: list(
    message('Nothing contained in these is offered for so long.', {
      resources: ResourceList,
      forMs: durationMs,
    }),
    64,
  ),
})

export type AllocatorFigure = Static<typeof AllocatorFigure>
export const AllocatorFigure = oneOf(
  item('opened', 'The session is confirmed; everything follows, ended by `complete`.', {
    version: integer(1, 1_000),
    pingMs: durationMs,
    pingsMissedMax: integer(1, 1_000),
  }),
  item('complete', 'All that there is was said: allocate.', {}),
  AgentFigure,
  item('agent-gone', 'No more offers of this agent.', { agentId: AgentIdToken }),
  RoleFigure,
  item('role-gone', 'No more offers for this role.', { ...framework, role: Role }),
  FilterFigure,
  item('answered', 'What became of allocations; the figures that follow from it stand before.', {
    answers: list(
      message('One allocation.', {
        allocation: integer(1, Number.MAX_SAFE_INTEGER),
        outcome: word('made', 'refused'),
      }),
      4096,
      1,
    ),
  }),
  item('ping', 'Are you there?', {}),
  item('closed', 'Another allocator has opened a session.', {}),
)

/** leader → allocator. At most once each; a gap opens a new session. */
export type AllocatorFigures = Static<typeof AllocatorFigures>
export const AllocatorFigures = message('leader → allocator: a list of figures, in order.', {
  epoch: Epoch,
  run: RunToken,
  session: SessionToken,
  n: MessageNumber,
  heard: HeardNumber,
  figures: list(AllocatorFigure, 8192, 1),
})
