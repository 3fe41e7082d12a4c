/** The isolators that need no cgroup: each is a word before the command, and there if asked for. */
import { type ConfinementName, isolatorsAskedBy } from '../../protocol/agent-attributes.ts'
import type { Namespace } from '../../protocol/linux.ts'
import type { TaskLinux, TaskRlimit } from '../../protocol/schema/task-linux.ts'
import { findNamespaces, hasCaps } from './namespaces/namespaces.ts'
import { capabilityProblem, privilegeOptions, WITHOUT_AMBIENT } from './privileges.ts'
import { type Ceiling, ownCapabilities, ownCeiling, rlimitProblem, rlimitWords } from './rlimits.ts'
import { tried } from './tried.ts'

/** What a task asks for. */
export interface Asked {
  readonly rlimits?: readonly TaskRlimit[]
  readonly linux?: TaskLinux
}

export interface Confined {
  /** Words that go before all others. */
  readonly words: readonly string[]
  readonly namespaces: readonly Namespace[]
}

export interface Confinement {
  /** Names of those that work. */
  readonly names: readonly ConfinementName[]
  /** A sentence for each that does not. */
  readonly missing: readonly string[]
  /** Words for the shell that bring up the loopback of a new network. */
  readonly loopbackUp: string
  /** `userWords`: those that change the user. What cannot be had is refused by a sentence. */
  prepare(asked: Asked, userWords: readonly string[]): Confined | { readonly refused: string }
}

/** Each agent tries for itself: on a busy machine a try may be given up that works later. */
export async function openConfinement(): Promise<Confinement> {
  const own = ownCapabilities()
  const most = ownCeiling()
  const none = privilegeOptions({ capabilities: [] })
  const [rlimits, capabilities, noNewPrivileges, namespaces] = await Promise.all([
    tried(['prlimit', '--core=0:0', 'true']),
    own.has('setpcap')
      ? tried(['setpriv', ...none, 'true'])
      : Promise.resolve('that takes root, or CAP_SETPCAP'),
    tried(['setpriv', '--no-new-privs', 'true']),
    findNamespaces(),
  ])
  const why = new Map<ConfinementName, string | undefined>([
    ['rlimits', rlimits],
    ['capabilities', capabilities],
    ['no-new-privileges', noNewPrivileges],
  ])
  const names = [...why].filter(([, reason]) => reason === undefined).map(([name]) => name)
  const missing = [...why].flatMap(([name, reason]) =>
    reason === undefined ? [] : [`${LACKS[name] ?? name}: ${reason}`],
  )
  const works = [...names, ...[...namespaces.works].map((name) => `${name}-namespace` as const)]
  return {
    names: works,
    missing: [...missing, ...namespaces.missing],
    loopbackUp: namespaces.loopbackUp,
    prepare: (asked, userWords) =>
      prepare({ works: new Set(works), own, most }, { asked, userWords }),
  }
}

const LACKS: Readonly<Partial<Record<ConfinementName, string>>> = {
  rlimits: 'tasks can be held to no rlimits',
  capabilities: 'no task can be left with fewer capabilities',
  'no-new-privileges': 'no task can be kept from new privileges',
}

interface Found {
  readonly works: ReadonlySet<ConfinementName>
  readonly own: ReadonlySet<string>
  readonly most: Ceiling
}

interface Wanted {
  readonly asked: Asked
  readonly userWords: readonly string[]
}

function prepare(found: Found, { asked, userWords }: Wanted): Confined | { refused: string } {
  const { rlimits = [], linux = {} } = asked
  if (rlimits.length === 0 && asked.linux === undefined) return { words: userWords, namespaces: [] }
  const { namespaces = [] } = linux
  const lacking = isolatorsAskedBy(asked).find((name) => !found.works.has(name))
  if (lacking !== undefined) return { refused: `this machine does not give it ${lacking}` }
  const problem = rlimitProblem(rlimits, found.most) ?? capabilityProblem(linux, found.own)
  if (problem !== undefined) return { refused: problem }
  const options = [...privilegeOptions(linux), ...(hasCaps(namespaces) ? WITHOUT_AMBIENT : [])]
  const first = userWords.length === 0 && options.length > 0 ? ['setpriv'] : userWords
  return { words: [...rlimitWords(rlimits), ...first, ...options], namespaces }
}
