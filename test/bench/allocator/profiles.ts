/** What the frameworks of an allocator's bench are like. */
import { nextHex, nextInteger, type Random } from '../../../actors/parts/random.ts'
import { resourcesOf, scalarOf } from '../../../protocol/resources.ts'
import type { ResourceList } from '../../../protocol/schema/common.ts'
import type { Agent, LeaderBooks, Member, Terms } from '../../support/leader-books.ts'

export interface ClusterSize {
  readonly agents: number
  readonly frameworks: number
}

export interface Profile {
  /** Says who is there, beside the agents. */
  readonly furnish: (books: LeaderBooks, size: ClusterSize, random: Random) => void
  /** How what was offered in a cycle becomes free again. */
  readonly answer: 'rescinded' | 'declined'
}

const CPUS = 24
const MEM = 4_096
/** As an agent of Mesos's own benchmarks has them. */
const AGENT: ResourceList = [
  { name: 'cpus', scalar: CPUS },
  { name: 'mem', scalar: MEM },
  { name: 'disk', scalar: 4_096 },
  { name: 'ports', ranges: [[31_000, 32_000]] },
]
/** Longer than any bench takes, in its own time too. */
export const FILTER_MS = 24 * 3_600_000
/** Of more filters than that, each member has fewer: they alone would take gigabytes. */
const FILTERS_MAX = 1_000_000
const FILTERED_SHARE = 0.1
/** In the tree of roles, of the members. */
const FILTERING_EVERY = 4
const ZONES = 3
const RACKS = 100
const DEPARTMENTS = 20
const TEAMS = 5
/** Of the cluster, for each department that has one. */
const GUARANTEED_SHARE = 0.04
const LIMITED_SHARE = 0.03

export const PROFILES: Readonly<Record<string, Profile>> = {
  plain: {
    furnish: (books, size, random) => void oneRole(books, size, random),
    answer: 'rescinded',
  },
  filters: {
    furnish(books, size, random) {
      filterSome(books, oneRole(books, size, random), random)
    },
    answer: 'rescinded',
  },
  'decline-all': {
    furnish: (books, size, random) => void oneRole(books, size, random),
    answer: 'declined',
  },
  quota: {
    furnish(books, size, random) {
      const members = treeOfRoles(books, size, random)
      filterSome(
        books,
        members.filter((_, i) => i % FILTERING_EVERY === 0),
        random,
      )
    },
    answer: 'rescinded',
  },
  constraints: {
    furnish: (books, size, random) => void oneRole(books, size, random, () => picky(random)),
    answer: 'rescinded',
  },
}

export function furnishAgents(books: LeaderBooks, { agents }: ClusterSize, random: Random): void {
  for (let i = 0; i < agents; i++) {
    const attributes = [
      { name: 'zone', text: `zone-${i % ZONES}` },
      { name: 'rack', text: `rack-${i % RACKS}` },
    ]
    books.addAgent(nameOf('agent', random), AGENT, attributes)
  }
}

const nameOf = (kind: string, random: Random): string => `${kind}-${nextHex(random, 64)}`

function oneRole(
  books: LeaderBooks,
  { frameworks }: ClusterSize,
  random: Random,
  termsOf: () => Terms = () => ({}),
): readonly Member[] {
  return Array.from({ length: frameworks }, () =>
    books.addMember(nameOf('framework', random), '*', termsOf()),
  )
}

/** One zone, and of its racks those of two last digits: a fifteenth of the agents. */
function picky(random: Random): Terms {
  const zone = nextInteger(random, 0, ZONES)
  const [one, other] = [nextInteger(random, 0, 5), nextInteger(random, 5, 10)]
  const constraints = [
    { attribute: 'zone', equals: `zone-${zone}` },
    { attribute: 'rack', matches: `rack-[0-9]*[${one}${other}]` },
  ]
  return { constraints: [constraints] }
}

/**
 * Departments with teams, all of different weights; each framework works for two teams. A quarter
 * of the departments is guaranteed a part of the cluster and limited to twice of it, another is
 * limited to less than its weight would give.
 */
function treeOfRoles(
  books: LeaderBooks,
  { agents, frameworks }: ClusterSize,
  random: Random,
): readonly Member[] {
  const part = (share: number) => ({ cpus: CPUS * agents * share, mem: MEM * agents * share })
  for (let i = 0; i < DEPARTMENTS; i++) {
    const weight = 1 + (i % 3)
    if (i % 4 === 0) books.setRole(department(i), { weight, ...guarantee(part) })
    else if (i % 4 === 1) books.setRole(department(i), { weight, limit: part(LIMITED_SHARE) })
    else books.setRole(department(i), { weight })
    for (let j = 0; j < TEAMS; j += 2) books.setRole(team(i, j), { weight: 2 })
  }
  return Array.from({ length: frameworks }, () => nameOf('framework', random)).flatMap((name, i) =>
    [i, i + 1].map((n) =>
      books.addMember(name, team(n % DEPARTMENTS, Math.floor(n / DEPARTMENTS) % TEAMS)),
    ),
  )
}

const guarantee = (part: (share: number) => Record<string, number>) => ({
  guarantee: part(GUARANTEED_SHARE),
  limit: part(2 * GUARANTEED_SHARE),
})
const department = (i: number): string => `department-${i}`
const team = (i: number, j: number): string => `${department(i)}/team-${j}`

/** Somebody could use what it has. */
export const hasSomething = ({ free }: Agent): boolean =>
  scalarOf(free, 'cpus') > 0 || scalarOf(free, 'mem') > 0

/** Each has declined a tenth of the agents, as they are when they are all free. */
function filterSome(books: LeaderBooks, members: readonly Member[], random: Random): void {
  const agentIds = [...books.agents.keys()]
  const filter = { resources: resourcesOf(AGENT), untilMs: FILTER_MS }
  const wanted = Math.floor(agentIds.length * FILTERED_SHARE)
  const each = Math.min(wanted, Math.floor(FILTERS_MAX / members.length))
  for (const member of members) {
    for (let i = 0; i < each; i++) {
      const agentId = agentIds[nextInteger(random, 0, agentIds.length)]
      if (agentId !== undefined) books.setFilter(member, agentId, filter)
    }
  }
}
