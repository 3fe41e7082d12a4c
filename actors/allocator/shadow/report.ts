/** What a shadow says of itself. */
import { SHADOW_MEMBERS_MAX } from '../../../protocol/limits.ts'
import type { Now } from '../../../protocol/now.ts'
import { fromThousandths } from '../../../protocol/scalar.ts'
import type { ShadowReport } from '../../../protocol/schema/shadow.ts'
import type { Given, Row } from './comparison.ts'
import type { ShadowState } from './state.ts'

const NAME_LENGTH_MAX = 256
const PROBLEM_LENGTH_MAX = 512

export function reportOf(state: ShadowState, { wallMs }: Now): ShadowReport {
  const { comparison, failed, policy, isTold, sinceWallMs = wallMs } = state
  const { same, different, withheld, missed, rows, differences } = comparison
  const members = [...rows.values()].sort((a, b) => weightOf(b) - weightOf(a))
  return {
    policy: policy.name.slice(0, NAME_LENGTH_MAX),
    phase: isTold ? 'comparing' : 'waiting',
    sinceAtMs: sinceWallMs,
    atMs: wallMs,
    same,
    different,
    withheld,
    missed,
    ...(failed && {
      problem: `${failed.policy}: ${failed.problem}`.slice(0, PROBLEM_LENGTH_MAX),
    }),
    members: members
      .slice(0, SHADOW_MEMBERS_MAX)
      .map(({ member, real, shadow }) => ({ ...member, real: given(real), shadow: given(shadow) })),
    moreMembers: Math.max(0, members.length - SHADOW_MEMBERS_MAX),
    differences: [...differences],
  }
}

const weightOf = ({ real, shadow }: Row): number => real.allocations + shadow.allocations

const given = ({ allocations, cpus, mem }: Given) => ({
  allocations,
  cpus: fromThousandths(cpus),
  mem: fromThousandths(mem),
})
