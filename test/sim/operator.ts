/**
 * An operator by chance: weights and quotas come and go while everything else goes wrong. In the
 * calm all quotas end, so that what is free has no other reason.
 */
import { openMessenger } from '../../bus/messenger.ts'
import { RefusedError } from '../../bus/service.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { AgentId, Principal } from '../../protocol/ids.ts'
import type { RoleQuota, RoleWeight, Sums } from '../../protocol/schema/common.ts'
import { inboxOf, operatorCall } from '../../protocol/subjects.ts'
import { Chance } from './chance.ts'
import { type Call, Promises } from './promises.ts'
import { CLUSTER, type World } from './world.ts'

const PRINCIPAL = 'olga' as Principal
const TOPS = ['*', 'prod', 'batch']
const NODES = [...TOPS, 'prod/web']
const MEAN_PAUSE_MS = 2_500
const PATIENCE_MS = 1_000
const AGAIN_MS = 250
/** What was said before the calm has arrived by then, however late. */
const SETTLED_MS = 10_000
/** In runs in which shares are measured. */
const FAIR_WEIGHTS: Readonly<Record<string, number>> = { '*': 1, prod: 2, batch: 3 }

type Answer = 'done' | 'refused' | 'unanswered'

export class Operator {
  /** What roles weigh in the end; undefined: it was not confirmed yet. */
  settled: ReadonlyMap<string, number> | undefined
  /** Changes by how they were answered. */
  /** What was said and answered. */
  readonly promises = new Promises()
  readonly counts = { done: 0, refused: 0, unanswered: 0 }
  readonly #world: World
  readonly #chance: Chance
  #messenger: ReturnType<typeof openMessenger> | undefined

  constructor(world: World) {
    this.#world = world
    this.#chance = new Chance(world.options.seed, 'operator')
  }

  async start(): Promise<void> {
    const { system, clock, randomToken } = this.#world.outsider(PRINCIPAL)
    const inbox = inboxOf(CLUSTER, 'operator', PRINCIPAL)
    const bus = await system.connect({ name: PRINCIPAL, inbox })
    this.#messenger = openMessenger({ bus, clock, randomToken, isOpen: false, onRefused() {} })
    this.#next()
    this.#world.clock.at(this.#world.options.calmFromMs + SETTLED_MS, () => void this.#settle())
  }

  #next(): void {
    const waitMs = this.#chance.waitMs(MEAN_PAUSE_MS)
    if (this.#world.nowMs + waitMs >= this.#world.options.calmFromMs) return
    this.#world.clock.after(waitMs, () => {
      void (this.#chance.happens(0.4) ? this.#changeWeights() : this.#changeQuotas())
      this.#next()
    })
  }

  #changeWeights(): Promise<Answer> {
    const weights = this.#some(NODES).map((role) => ({ role, weight: this.#weight() }))
    return this.#call({ verb: 'set-weights', body: { weights } })
  }

  #changeQuotas(): Promise<Answer> {
    const quotas = this.#some(TOPS).map((role) => this.#quota(role))
    const force = this.#chance.happens(0.6)
    return this.#call({ verb: 'set-quotas', body: { quotas, ...(force && { force }) } })
  }

  #some(roles: readonly string[]): readonly string[] {
    const first = this.#chance.pick(roles)
    return roles.filter((role) => role === first || this.#chance.happens(0.3))
  }

  #weight(): number {
    return this.#chance.pick([0.5, 1, 1, 2, 3])
  }

  #quota(role: string): RoleQuota {
    const guarantee = { cpus: this.#chance.integer(1, 8), mem: 512 * this.#chance.integer(1, 8) }
    const limit: Sums = this.#chance.happens(0.5)
      ? { cpus: guarantee.cpus + this.#chance.integer(0, 8) }
      : { mem: guarantee.mem + 256 * this.#chance.integer(0, 8) }
    return {
      role,
      ...(this.#chance.happens(0.4) && { guarantee }),
      ...(this.#chance.happens(0.5) && { limit }),
    }
  }

  /** As often as it takes. */
  async #settle(): Promise<void> {
    const quotas = TOPS.map((role) => ({ role }))
    const { isFair } = this.#world.options
    const weights = NODES.map((role): RoleWeight => {
      const weight = this.#weight()
      return { role, weight: isFair ? (FAIR_WEIGHTS[role] ?? 1) : weight }
    })
    while ((await this.#insist({ verb: 'set-quotas', body: { quotas } })) !== 'done');
    while ((await this.#insist({ verb: 'set-weights', body: { weights } })) !== 'done');
    this.settled = new Map(weights.map(({ role, weight }) => [role, weight]))
  }

  /** An agent will not come back: said as often as it takes. */
  async bury(agentId: AgentId): Promise<void> {
    const { ledger } = this.#world
    ledger.gone.set(agentId, false)
    ledger.forgotten(agentId)
    const answer = await this.#insist({ verb: 'mark-gone', body: { agentId } })
    // Refused: nobody knows it.
    if (answer === 'done') ledger.gone.set(agentId, true)
  }

  /** Asks until there is an answer. */
  async #insist(call: Call): Promise<Answer> {
    for (;;) {
      const answer = await this.#call(call)
      if (answer !== 'unanswered') return answer
      await new Promise<void>((resolve) => {
        const { clock } = this.#world
        clock.after(AGAIN_MS, () => {
          clock.settles()
          resolve()
        })
      })
    }
  }

  async #call(call: Call): Promise<Answer> {
    const messenger = this.#messenger
    if (messenger === undefined) return 'unanswered'
    const { nowMs } = this.#world
    const said = this.promises.said(call, nowMs)
    const answered = (answer: Answer): Answer => {
      this.counts[answer] += 1
      if (answer !== 'unanswered') for (const one of said) one.answer = answer
      return answer
    }
    const ids = { cluster: CLUSTER, principal: PRINCIPAL, verb: call.verb }
    try {
      await messenger.call(operatorCall, ids, { body: call.body, timeoutMs: PATIENCE_MS })
      return answered('done')
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      return answered(error instanceof RefusedError ? 'refused' : 'unanswered')
    }
  }
}
