/** Why nothing is offered, in words: what stands between agents and members. */
import type { Explained, WaitExample, WaitReason } from '../../protocol/schema/explain.ts'
import { formatDuration } from '../duration.ts'
import { plural } from '../plural.ts'

/** The most telling first: what stands behind may be no matter once that is over. */
export const REASONS_TOLD: readonly WaitReason[] = [
  'next',
  'suppressed',
  'full',
  'limit',
  'headroom',
  'filtered',
  'paused',
  'others-first',
  'too-small',
  'constraints',
  'gpus',
  'region',
  'none-free',
]

interface Words {
  /** Why one member gets none of so many agents. */
  readonly agents: (count: string, isOne: boolean) => string
  /** Why so many members do not get one agent. */
  readonly members: (count: string, isOne: boolean) => string
}

const has = (isOne: boolean): string => (isOne ? 'has' : 'have')
const is = (isOne: boolean): string => (isOne ? 'is' : 'are')
const does = (isOne: boolean): string => (isOne ? 'does' : 'do')

const WORDS: Readonly<Record<WaitReason, Words>> = {
  next: {
    agents: (count, isOne) => `${count} ${is(isOne)} about to be offered to it`,
    members: (count, isOne) => `${count} ${is(isOne)} about to be offered what it has`,
  },
  suppressed: {
    agents: () => 'it has said that it wants no offers, until it revives',
    members: (count, isOne) => `${count} ${isOne ? 'wants' : 'want'} no offers`,
  },
  full: {
    agents: () => 'it has as many unanswered offers as it may have: it must answer some first',
    members: (count, isOne) =>
      `${count} must answer some of the offers that ${isOne ? 'it has' : 'they have'}`,
  },
  limit: {
    agents: (count) => `its role has all that its quota allows, which keeps ${count} from it`,
    members: (count, isOne) => `${count} ${is(isOne)} in a role that has all its quota allows`,
  },
  headroom: {
    agents: (count, isOne) =>
      `what ${count} ${has(isOne)} free is kept for guarantees of other roles`,
    members: (count, isOne) =>
      `${count} ${does(isOne)} not get what is kept for guarantees of other roles`,
  },
  filtered: {
    agents: (count, isOne) => `${count} ${isOne ? 'was' : 'were'} declined by it`,
    members: (count, isOne) => `${count} ${has(isOne)} declined as much or more here`,
  },
  paused: {
    agents: (count, isOne) =>
      `${count} ${has(isOne)} just been offered to ten who had declined, and it has declined last, too`,
    members: (count, isOne) =>
      `${count} declined last, and ${is(isOne)} asked later: it goes to ten such a second at most`,
  },
  'others-first': {
    agents: (count, isOne) => `${count} ${is(isOne)} being offered to others`,
    members: (count, isOne) =>
      `${count} ${isOne ? 'waits' : 'wait'}: it is being offered to another`,
  },
  'too-small': {
    agents: (count, isOne) => `${count} ${has(isOne)} less free than it takes`,
    members: (count, isOne) => `${count} ${isOne ? 'takes' : 'take'} more than is free`,
  },
  constraints: {
    agents: (count, isOne) => `${count} ${does(isOne)} not meet its constraints`,
    members: (count, isOne) => `${count} ${has(isOne)} constraints that it does not meet`,
  },
  gpus: {
    agents: (count, isOne) =>
      `${count} ${has(isOne)} GPUs, and it does not ask for any (capability GPU_RESOURCES)`,
    members: (count, isOne) =>
      `${count} ${does(isOne)} not ask for GPUs, which it has (capability GPU_RESOURCES)`,
  },
  region: {
    agents: (count, isOne) =>
      `${count} ${is(isOne)} in another region, and it is not aware of them (capability REGION_AWARE)`,
    members: (count, isOne) =>
      `${count} ${is(isOne)} not aware of its region (capability REGION_AWARE)`,
  },
  'none-free': {
    agents: (count, isOne) => `${count} ${has(isOne)} nothing free: all is used or offered`,
    members: (count, isOne) => `${count} ${isOne ? 'gets' : 'get'} nothing, for nothing is free`,
  },
}

/** Of an allocator that is newer than this command. */
function wordsOf(reason: string): Words {
  const byName = (count: string, isOne: boolean): string =>
    `${count} ${is(isOne)} passed over: ${reason}`
  return (WORDS as Readonly<Record<string, Words>>)[reason] ?? { agents: byName, members: byName }
}

/** One reason, with the number of those that it is true of. */
export interface ToldReason {
  readonly reason: WaitExample['reason']
  readonly count: number
  readonly text: string
  readonly examples: readonly WaitExample[]
}

/** The reasons of an answer, the most telling first. `of`: what was counted. */
export function toldReasons(
  { counts = {}, examples = [] }: Pick<Explained, 'counts' | 'examples'>,
  of: 'agents' | 'members',
): readonly ToldReason[] {
  const others = Object.keys(counts).filter((reason) => !(reason in WORDS))
  return [...REASONS_TOLD, ...others].flatMap((reason) => {
    const count = counts[reason] ?? 0
    if (count === 0) return []
    const counted = plural(count, of === 'agents' ? 'agent' : 'framework')
    const text = wordsOf(reason)[of](counted, count === 1)
    return [{ reason, count, text, examples: examples.filter((one) => one.reason === reason) }]
  })
}

/** `agent-1: declined cpus 4, mem 4096 (for another 3s)`. */
export function exampleText({ agentId, frameworkId, role, detail, forMs }: WaitExample): string {
  const name = agentId ?? (role === '*' ? frameworkId : `${frameworkId} in role ${role}`)
  const rest = forMs === undefined ? '' : ` (for another ${formatDuration(forMs)})`
  return detail === undefined ? `${name}${rest}` : `${name}: ${detail}${rest}`
}
