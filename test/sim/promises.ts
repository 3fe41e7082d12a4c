/**
 * What an operator was told to be done is so, whoever leads: what roles weigh, and their quotas,
 * as often as they change. What was not answered may be so or not.
 */

import { type Amounts, parseSums } from '../../actors/master/roles/amounts.ts'
import { termsOf } from '../../actors/master/roles/books.ts'
import type { MasterState } from '../../actors/master/state.ts'
import type { AgentId } from '../../protocol/ids.ts'
import type { RoleQuota, RoleWeight } from '../../protocol/schema/common.ts'
import type { World } from './world.ts'

/**
 * Something that was said arrives within so long, or never: late, twice, or when a store is back.
 */
const LATE_MS = 20_000

/** One change, and how it was answered. */
export interface Said {
  readonly value: string
  readonly saidAtMs: number
  answer: 'none' | 'done' | 'refused'
  /** By masters: it may come to several, late, and twice. */
  readonly heard: { times: number; firstMs: number; lastMs: number }
}

/** What operators here say. */
export type Call =
  | { readonly verb: 'set-weights'; readonly body: { weights: RoleWeight[] } }
  | { readonly verb: 'set-quotas'; readonly body: { quotas: RoleQuota[]; force?: boolean } }
  | { readonly verb: 'mark-gone'; readonly body: { agentId: AgentId } }

export class Promises {
  readonly #said = new Map<string, Said[]>()

  said(call: Call, atMs: number): readonly Said[] {
    return changesOf(call).map(({ what, value }) => this.#say(what, value, atMs))
  }

  /** A master has heard it. */
  heard(call: Call, atMs: number): void {
    for (const { what, value } of changesOf(call))
      for (const { value: said, heard } of this.#said.get(what) ?? []) {
        if (said !== value) continue
        heard.times += 1
        heard.firstMs = Math.min(heard.firstMs, atMs)
        heard.lastMs = atMs
      }
  }

  /** What this leader believes and nobody can have told it. */
  check(world: World, { leader, lease, masterId }: MasterState): void {
    if (leader === undefined || lease.state !== 'leading') return
    for (const [what, said] of this.#said) {
      const [kind, , role = ''] = what.split(' ')
      const { weight, guarantee, limit } = termsOf(leader.roles, role)
      const value = kind === 'weight' ? String(weight) : quotaText(guarantee, limit)
      if (said.some((one) => one.value === value && mayBe(one, said))) {
        this.#said.set(what, stillOf(said, world.nowMs))
        continue
      }
      const told = said.map((one) => `${one.value} (${one.answer})`).join(' or ')
      world.fail({
        invariant: '5: what an operator was told is so',
        what: `the ${what} is ${value} for ${masterId}, told was ${told}`,
        about: [masterId],
      })
    }
  }

  #say(what: string, value: string, saidAtMs: number): Said {
    const nothing = what.startsWith('weight') ? '1' : quotaText(new Map(), new Map())
    const before = this.#said.get(what) ?? [
      { value: nothing, saidAtMs: 0, answer: 'done', heard: { times: 1, firstMs: 0, lastMs: 0 } },
    ]
    const said: Said = { value, saidAtMs, answer: 'none', heard: never() }
    this.#said.set(what, [...before, said])
    return said
  }
}

/** Without what was replaced, and will not come again. */
const stillOf = (said: readonly Said[], nowMs: number): Said[] =>
  said.filter((one) => one.saidAtMs >= nowMs - LATE_MS || mayBe(one, said))

const never = (): Said['heard'] => ({
  times: 0,
  firstMs: Number.POSITIVE_INFINITY,
  lastMs: Number.NEGATIVE_INFINITY,
})

/** Nothing that was done has certainly replaced it. */
function mayBe(one: Said, said: readonly Said[]): boolean {
  const last = said.findLast(({ answer }) => answer === 'done')
  if (one === last) return true
  // Who has refused it once may have heard it again.
  if (one.answer === 'refused' && one.heard.times < 2) return false
  return one.heard.lastMs >= (last?.heard.firstMs ?? 0)
}

interface Change {
  readonly what: string
  readonly value: string
}

function changesOf(call: Call): readonly Change[] {
  if (call.verb === 'set-weights')
    return call.body.weights.map(({ role, weight }) => ({
      what: `weight of ${role}`,
      value: String(weight),
    }))
  if (call.verb !== 'set-quotas') return []
  return call.body.quotas.map(({ role, guarantee, limit }) => ({
    what: `quota of ${role}`,
    value: quotaText(parseSums(guarantee ?? {}), parseSums(limit ?? {})),
  }))
}

function quotaText(guarantee: Amounts, limit: Amounts): string {
  const text = (amounts: Amounts): string =>
    [...amounts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, n]) => `${name} ${n}`)
      .join(', ')
  return `at least [${text(guarantee)}], at most [${text(limit)}]`
}
