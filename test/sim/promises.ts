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
}

/** What operators here say. */
export type Call =
  | { readonly verb: 'set-weights'; readonly body: { weights: RoleWeight[] } }
  | { readonly verb: 'set-quotas'; readonly body: { quotas: RoleQuota[]; force?: boolean } }
  | { readonly verb: 'mark-gone'; readonly body: { agentId: AgentId } }

export class Promises {
  readonly #said = new Map<string, Said[]>()

  said(call: Call, atMs: number): readonly Said[] {
    if (call.verb === 'set-weights') return this.#weights(call.body.weights, atMs)
    return call.verb === 'set-quotas' ? this.#quotas(call.body.quotas, atMs) : []
  }

  #weights(weights: readonly RoleWeight[], atMs: number): readonly Said[] {
    return weights.map(({ role, weight }) => this.#say(`weight of ${role}`, String(weight), atMs))
  }

  #quotas(quotas: readonly RoleQuota[], atMs: number): readonly Said[] {
    return quotas.map(({ role, guarantee, limit }) => {
      const value = quotaText(parseSums(guarantee ?? {}), parseSums(limit ?? {}))
      return this.#say(`quota of ${role}`, value, atMs)
    })
  }

  /** What this leader believes and nobody can have told it. */
  check(world: World, { leader, lease, masterId }: MasterState): void {
    if (leader === undefined || lease.state !== 'leading') return
    for (const [what, said] of this.#said) {
      const [kind, , role = ''] = what.split(' ')
      const { weight, guarantee, limit } = termsOf(leader.roles, role)
      const value = kind === 'weight' ? String(weight) : quotaText(guarantee, limit)
      this.#forget(said, world.nowMs)
      if (said.some((one) => one.value === value)) continue
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
    const before = this.#said.get(what) ?? [{ value: nothing, saidAtMs: 0, answer: 'done' }]
    const said: Said = { value, saidAtMs, answer: 'none' }
    this.#said.set(what, [...before, said])
    return said
  }

  /** What something later has certainly replaced. */
  #forget(said: Said[], nowMs: number): void {
    const last = said.findLastIndex(({ answer }) => answer === 'done')
    for (let i = said.length - 1; i >= 0; i--) {
      const { saidAtMs, answer } = said[i] as Said
      if (saidAtMs < nowMs - LATE_MS && (i < last || answer === 'refused')) said.splice(i, 1)
    }
  }
}

function quotaText(guarantee: Amounts, limit: Amounts): string {
  const text = (amounts: Amounts): string =>
    [...amounts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, n]) => `${name} ${n}`)
      .join(', ')
  return `at least [${text(guarantee)}], at most [${text(limit)}]`
}
