/** What a shadow allocator tells the world: how another policy would have decided. */
import Type, { type Static } from 'typebox'
import {
  SHADOW_DIFFERENCE_MEMBERS_MAX,
  SHADOW_DIFFERENCES_MAX,
  SHADOW_MEMBERS_MAX,
} from '../limits.ts'
import { AgentIdToken, FrameworkIdToken, PrincipalToken, Role } from './common.ts'
import { integer, list, message, text, timeAtMs, word } from './shapes.ts'

const count = integer(0, Number.MAX_SAFE_INTEGER)

const member = { principal: PrincipalToken, frameworkId: FrameworkIdToken, role: Role }
const Member = message('A framework in one of its roles.', member)

/** Cpus and memory (MiB) of all agents together, each counted as often as it was given. */
const Given = message('What somebody was given since the comparison began.', {
  allocations: count,
  cpus: Type.Number({ minimum: 0 }),
  mem: Type.Number({ minimum: 0 }),
})

/**
 * One decision is one agent at one version that the allocator gave away. Of more members than fit
 * the first.
 */
export type ShadowDifference = Static<typeof ShadowDifference>
export const ShadowDifference = message('What would have been decided differently.', {
  atMs: timeAtMs,
  agentId: AgentIdToken,
  agentVersion: count,
  /** To whom the allocator gave it. */
  real: list(Member, SHADOW_DIFFERENCE_MEMBERS_MAX),
  /** To whom the shadow would have given it; none: to nobody. */
  shadow: list(Member, SHADOW_DIFFERENCE_MEMBERS_MAX),
})

/** shadow → observers: all of it, every SHADOW_REPORT_MS; a new `sinceAtMs` begins anew. */
export type ShadowReport = Static<typeof ShadowReport>
export const ShadowReport = message('shadow → observers: how another policy would have decided.', {
  policy: text(256, 1),
  /** `waiting`: nobody has told it of the cluster yet; what was compared before stays. */
  phase: word('waiting', 'comparing'),
  sinceAtMs: timeAtMs,
  atMs: timeAtMs,
  /** Decisions of the allocator that the shadow would have made for the same members, or others. */
  same: count,
  different: count,
  /** It would have given the agent to nobody. */
  withheld: count,
  /** It heard of them too late to tell. */
  missed: count,
  /** Its own policy failed, and it goes on with the default: what is wrong. */
  problem: Type.Optional(text(512, 1)),
  /** Those who were given most. */
  members: list(
    message('What one member was given, and would have been.', {
      ...member,
      real: Given,
      shadow: Given,
    }),
    SHADOW_MEMBERS_MAX,
  ),
  /** Members that were given something and do not stand above. */
  moreMembers: count,
  /** The latest, oldest first. */
  differences: list(ShadowDifference, SHADOW_DIFFERENCES_MAX),
})
