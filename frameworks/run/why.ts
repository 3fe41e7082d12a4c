/** Why nothing that fits is offered, as the leader and its allocator say. */
import type { Explained, OwnExplanation, WaitReason } from '../../protocol/schema/explain.ts'

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

/** In sentences. */
export interface Why {
  /** Why nothing is offered. Undefined: it says nothing that helps. */
  readonly nothing: string | undefined
  /** Why no more of an agent is offered than that. Undefined: no quota has to do with it. */
  readonly cut: string | undefined
}

export function whyNothing({ members, absent, allocator }: OwnExplanation): Why {
  if (!allocator) return { nothing: 'nothing is offered: no allocator answers', cut: undefined }
  const [explained] = members.flatMap((one) => one.explained ?? [])
  if (explained?.counts === undefined) return { nothing: undefined, cut: undefined }
  return { nothing: nothingOf(explained, absent), cut: cutOf(explained) }
}

function nothingOf({ counts = {}, examples = [] }: Explained, absent: number): string | undefined {
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

/** What is not offered at all for a quota counts, too. */
function cutOf({ examples = [] }: Explained): string | undefined {
  const cuts = examples.flatMap((one) => {
    const by = one.cutBy ?? one.reason
    return by === 'limit' || by === 'headroom' ? [{ ...one, by }] : []
  })
  const [first] = cuts.toSorted((a, b) => rank(a) - rank(b))
  if (first === undefined) return undefined
  if (first.by === 'headroom') return 'more is free, but kept for guarantees of other roles'
  const shown = first.detail === undefined ? '' : ` (${first.agentId}: ${first.detail})`
  return `the limit of its role leaves no more${shown}`
}

const rank = ({ by, cutBy }: { readonly by: string; readonly cutBy?: string }): number =>
  (by === 'limit' ? 0 : 2) + (cutBy === undefined ? 1 : 0)

const missing = (absent: number): string => (absent === 0 ? '' : `, and ${absent} do not answer`)
