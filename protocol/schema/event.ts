/** What the world may hear: public events of the leader. */
import Type, { type Static } from 'typebox'
import type { OfferId } from '../ids.ts'
import { ACCEPT_TASKS_MAX, CALL_OFFERS_MAX } from '../limits.ts'
import {
  AgentIdToken,
  Epoch,
  FrameworkIdToken,
  PrincipalToken,
  Role,
  RunToken,
  Sums,
  TaskStatus,
  Weight,
} from './common.ts'
import { integer, list, message, text, timeAtMs, token } from './shapes.ts'

/** One thing that happened. Which fields stand follows from the subject's kind. */
export const PublicEvent = message('One thing that happened.', {
  atMs: timeAtMs,
  agentId: Type.Optional(AgentIdToken),
  principal: Type.Optional(PrincipalToken),
  frameworkId: Type.Optional(FrameworkIdToken),
  name: Type.Optional(text(256)),
  message: Type.Optional(text(1024)),
  offers: Type.Optional(list(token<OfferId>(), CALL_OFFERS_MAX)),
  tasks: Type.Optional(integer(0, ACCEPT_TASKS_MAX)),
  status: Type.Optional(TaskStatus),
  role: Type.Optional(Role),
  weight: Type.Optional(Weight),
  guarantee: Type.Optional(Sums),
  limit: Type.Optional(Sums),
})

/** leader → the world. `n` counts a leader's event messages: one who hears all sees gaps. */
export type PublicEvents = Static<typeof PublicEvents>
export const PublicEvents = message('leader → the world: what happened.', {
  epoch: Epoch,
  run: RunToken,
  n: integer(1, Number.MAX_SAFE_INTEGER),
  events: list(PublicEvent, 4096, 1),
})
