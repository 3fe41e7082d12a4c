/** Why nothing is offered, as the leader and its allocator say. */
import type { OwnExplanation, WaitReason } from '../../protocol/schema/explain.ts'

/** The most telling first. Others pass by themselves in a moment. */
const REASONS: readonly (readonly [WaitReason, string])[] = [
  ['limit', 'the limit of its role is reached'],
  ['headroom', 'what is free is kept for guarantees of other roles'],
  ['gpus', 'what is free has GPUs, which are for those who ask for them'],
  ['region', 'what is free is in another region'],
  ['constraints', 'agents do not meet the constraints'],
  ['too-small', 'less is free than is wanted'],
  ['none-free', 'all is used or offered'],
]

/** One sentence; undefined: it says nothing that helps. */
export function whyNothing({ members, absent, allocator }: OwnExplanation): string | undefined {
  const [explained] = members.flatMap((one) => one.explained ?? [])
  if (!allocator || explained?.counts === undefined) return undefined
  const { counts, examples = [] } = explained
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
  if (all === 0) return `nothing is offered: no agent is there${missing(absent)}`
  const told = REASONS.flatMap(([reason, text]) => {
    const count = counts[reason] ?? 0
    if (count === 0) return []
    const { detail } = examples.find((one) => one.reason === reason) ?? {}
    const shown = detail === undefined ? text : `${text} (${detail})`
    return [count === all ? shown : `${shown}, on ${count} of ${all} agents`]
  })
  return told.length === 0 ? undefined : `nothing is offered: ${told.join('; ')}`
}

const missing = (absent: number): string => (absent === 0 ? '' : `, and ${absent} do not answer`)
