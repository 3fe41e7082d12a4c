/**
 * What every policy promises. The project's own are held to it by tests, a user's when it is
 * loaded.
 */
import type { AgentId, FrameworkId, Principal } from '../../../protocol/ids.ts'
import { WEIGHT_MAX } from '../../../protocol/limits.ts'
import { nextFraction, nextInteger, type Random, seededRandom } from '../../parts/random.ts'
import type { AgentStanding, MemberStanding, Policy, RoleStanding } from '../policy.ts'

/** One promise: a sentence, and what is wrong with a policy that does not keep it. */
export interface PolicyPromise {
  readonly title: string
  /** Undefined: it is kept, as far as can be seen. What the policy throws passes on. */
  readonly broken: (policy: Policy) => string | undefined
}

/** One question to a policy, with what was asked about. */
interface Question {
  readonly name: 'rankRole' | 'rankMember' | 'rankAgent'
  readonly standing: RoleStanding | MemberStanding | AgentStanding
  readonly ask: (policy: Policy) => unknown
}

export const POLICY_PROMISES: readonly PolicyPromise[] = [
  {
    title: 'every rank is a finite number',
    broken: (policy) =>
      firstOf(questions(), ({ name, standing, ask }) => {
        const rank = ask(policy)
        if (typeof rank === 'number' && Number.isFinite(rank)) return undefined
        return `${name} gave ${String(rank)} for ${JSON.stringify(standing)}`
      }),
  },
  {
    title: 'a rank rests on nothing but the standing: the same again gets the same',
    broken(policy) {
      const all = questions()
      const ranks = all.map(({ ask }) => ask(policy))
      // In another order, and from equal standings that are other objects.
      const again = [...questions().entries()].reverse()
      return firstOf(again, ([i, { name, standing, ask }]) => {
        const rank = ask(policy)
        if (Object.is(rank, ranks[i])) return undefined
        return `${name} gave ${String(ranks[i])}, then ${String(rank)}, for ${JSON.stringify(standing)}`
      })
    },
  },
  {
    title: 'a standing is left as it was',
    broken: (policy) =>
      firstOf(questions(), ({ name, standing, ask }) => {
        const before = JSON.stringify(standing)
        ask(policy)
        return JSON.stringify(standing) === before ? undefined : `${name} changed ${before}`
      }),
  },
  {
    title: 'who holds more does not come sooner for it',
    broken: (policy) =>
      broken(policy, 'rankRole', roles()) ?? broken(policy, 'rankMember', members()),
  },
]

/** All promises that `policy` breaks, with what is wrong. */
export const brokenPromises = (policy: Policy): readonly string[] =>
  POLICY_PROMISES.flatMap(({ title, broken: isBroken }) => {
    const wrong = isBroken(policy)
    return wrong === undefined ? [] : [`"${title}": ${wrong}`]
  })

function broken<Name extends 'rankRole' | 'rankMember'>(
  policy: Policy,
  name: Name,
  standings: readonly Parameters<Policy[Name]>[0][],
): string | undefined {
  const rank = (standing: Parameters<Policy[Name]>[0], share: number): number =>
    (policy[name] as (asked: object) => number)({ ...standing, share })
  return firstOf(standings, (standing) =>
    firstOf(STEPS, ([less, more]) => {
      // What is no number is told as that.
      if (!(rank(standing, less) > rank(standing, more))) return undefined
      const who = JSON.stringify(standing)
      return `${name} is smaller for a share of ${more} than for one of ${less}, of ${who}`
    }),
  )
}

const SHARES = [0, 0.001, 0.25, 0.5, 1, 1.5]
const STEPS = SHARES.slice(1).map((more, i) => [SHARES[i] ?? 0, more] as const)
const WEIGHTS = [1, 0.000_001, 2, 10.5, WEIGHT_MAX]
const COUNTS = [0, 1, Number.MAX_SAFE_INTEGER]
const ROLES = ['*', 'web', 'web/shop', 'web/shop/__proto__', 'constructor', 'ä€😀'] as const
const SEED = '0f1e2d3c4b5a69788796a5b4c3d2e1f0'
const SOME = 200

/** Borders, and some more by chance, the same each time. */
function some<T>(borders: readonly T[], byChance: (random: Random) => T): readonly T[] {
  const random = seededRandom(SEED)
  return [...borders, ...Array.from({ length: SOME }, () => byChance(random))]
}

const oneOf = <T>(random: Random, all: readonly T[]): T =>
  all[nextInteger(random, 0, all.length)] as T

function aRole(role: string, more: Pick<RoleStanding, 'share' | 'weight' | 'given'>): RoleStanding {
  const parts = role.split('/')
  return { role, name: parts.at(-1) ?? role, depth: parts.length, ...more }
}

const roles = (): readonly RoleStanding[] =>
  some(
    ROLES.flatMap((role) =>
      WEIGHTS.flatMap((weight) =>
        SHARES.flatMap((share) => COUNTS.map((given) => aRole(role, { share, weight, given }))),
      ),
    ),
    (random) =>
      aRole(oneOf(random, ROLES), {
        share: nextFraction(random),
        weight: nextFraction(random) * 10 + 0.001,
        given: nextInteger(random, 0, 1_000_000),
      }),
  )

const PRINCIPAL = 'local' as Principal
const FRAMEWORKS = ['f', '__proto__', '-', 'x'.repeat(64)] as FrameworkId[]

const members = (): readonly MemberStanding[] =>
  some(
    FRAMEWORKS.flatMap((frameworkId) =>
      SHARES.flatMap((share) =>
        COUNTS.map((given) => ({ principal: PRINCIPAL, frameworkId, role: '*', share, given })),
      ),
    ),
    (random) => ({
      principal: PRINCIPAL,
      frameworkId: oneOf(random, FRAMEWORKS),
      role: oneOf(random, ROLES),
      share: nextFraction(random),
      given: nextInteger(random, 0, 1_000_000),
    }),
  )

/** One without any scalars, too: it may have ports only. */
const agents = (): readonly AgentStanding[] =>
  some(
    [{}, { cpus: 4 }, { cpus: 4, mem: 1024.5, gpus: 1, constructor: 1 }].flatMap((total) =>
      [0, 0.5, 1].map((fill) => anAgent(total, fill)),
    ),
    (random) => anAgent({ cpus: nextInteger(random, 1, 64), mem: 1024 }, nextFraction(random)),
  )

const anAgent = (total: Readonly<Record<string, number>>, fill: number): AgentStanding => ({
  agentId: 'a-1' as AgentId,
  hostname: 'host-1.example',
  total,
  free: Object.fromEntries(Object.entries(total).map(([name, all]) => [name, all * (1 - fill)])),
  fill,
})

function questions(): readonly Question[] {
  return [
    ...roles().map((standing) => ({
      name: 'rankRole' as const,
      standing,
      ask: (policy: Policy) => policy.rankRole(standing),
    })),
    ...members().map((standing) => ({
      name: 'rankMember' as const,
      standing,
      ask: (policy: Policy) => policy.rankMember(standing),
    })),
    ...agents().map((standing) => ({
      name: 'rankAgent' as const,
      standing,
      ask: (policy: Policy) => policy.rankAgent?.(standing) ?? 0,
    })),
  ]
}

function firstOf<T>(all: Iterable<T>, problem: (one: T) => string | undefined): string | undefined {
  for (const one of all) {
    const found = problem(one)
    if (found !== undefined) return found
  }
  return undefined
}
