/**
 * Invariant 3: after a newer leader or session was obeyed, nothing of an older one changes
 * anything; epochs never go back, at no agent, and not when they are claimed.
 */
import type { Effect } from '../../actors/agent/effects.ts'
import type { AgentState } from '../../actors/agent/state.ts'
import type { Effect as MasterEffect } from '../../actors/master/effects.ts'
import type { Leader, MasterState } from '../../actors/master/state.ts'
import { compareFence } from '../../actors/parts/fence.ts'
import type { SchedulerState } from '../../actors/scheduler/state.ts'
import type { SessionId } from '../../protocol/ids.ts'
import type { Fence } from '../../protocol/schema/common.ts'
import type { Step } from './watch.ts'
import type { World } from './world.ts'

const INVARIANT = '3: nothing of an older epoch or session counts'

/** What comes from a leader to one of its agents or frameworks. */
interface FromLeader extends Fence {
  readonly session?: SessionId
}

/** What a message has found, to be compared with what it has done. */
interface Before {
  readonly isOld: boolean
  readonly isForeign: boolean
  readonly done: number
}

export class FenceCheck {
  readonly #world: World
  /** By agent, over all its lives. */
  readonly #obeyed = new Map<string, Fence>()
  readonly #leaders = new WeakSet<Leader>()
  /** By claim: the highest epoch that was taken by then. */
  readonly #claims = new Map<string, number>()
  #taken: Fence = { epoch: 0, run: '' as Fence['run'] }
  /** The newest leader has led. */
  #hasLed = false
  #before: Before | undefined

  constructor(world: World) {
    this.#world = world
  }

  /** Before a core handles `input`. */
  before(state: object, input: Step['input']): void {
    this.#before = undefined
    if (input.kind === 'leader.orders') this.#before = beforeOrders(state as AgentState, input)
    if (input.kind === 'leader.events') this.#before = beforeEvents(state as SchedulerState, input)
  }

  agent({ process, state, input, effects }: Step): void {
    const { highest, profile, outbox } = state as AgentState
    const { agentId } = profile
    const obeyed = this.#obeyed.get(agentId)
    if (highest !== undefined && highest !== obeyed) {
      if (obeyed !== undefined && compareFence(obeyed, highest) === 'lower')
        this.#fail(`${agentId} obeys ${shown(highest)} after ${shown(obeyed)}`, agentId)
      // A leader that cannot be written down is not obeyed.
      if ((effects as readonly Effect[]).some(writesLeader))
        process.unwritten.push(() => void this.#obeyed.set(agentId, highest))
    }
    const before = this.#before
    if (before === undefined || doneBy(outbox) === before.done) return
    if (before.isOld || before.isForeign)
      this.#fail(`${agentId} obeys orders of ${why(before, input)}`, agentId)
  }

  framework({ process, input, effects }: Step): void {
    const before = this.#before
    if (before === undefined || !(before.isOld || before.isForeign)) return
    const told = effects.find(
      (effect) => effect.do === 'tell-offers' || effect.do === 'tell-statuses',
    )
    if (told === undefined) return
    const { frameworkId = process.name } = this.#world.nodeOf(process)?.team?.disk.key ?? {}
    this.#fail(`${frameworkId} hears events of ${why(before, input)}: ${told.do}`, frameworkId)
  }

  master({ process, state, effects }: Step): void {
    const { leader, run, lease } = state as MasterState
    for (const effect of effects as readonly MasterEffect[])
      if (effect.do === 'write-lease' && effect.record.counter === 0)
        this.#claims.set(shown({ epoch: effect.record.epoch, run }), this.#taken.epoch)
    if (leader === undefined) return
    if (lease.state === 'leading' && this.isNewest(state as MasterState)) this.#hasLed = true
    if (this.#leaders.has(leader)) return
    this.#leaders.add(leader)
    this.#takes({ epoch: leader.epoch, run }, process.name)
  }

  /**
   * Who has not heard of a higher epoch yet reads the registry all the same: the log tells. Nobody
   * may have claimed what was taken by then.
   */
  #takes(taken: Fence, by: string): void {
    const { epoch } = this.#taken
    const isAgain = compareFence(this.#taken, taken) === 'current'
    // Who has not said anything yet may read the registry once more.
    if (isAgain && !this.#hasLed) return
    const above = this.#claims.get(shown(taken)) ?? Number.POSITIVE_INFINITY
    if (taken.epoch === epoch || taken.epoch <= above)
      this.#world.fail({
        invariant: '3: epochs never go back',
        what: `${by} takes ${shown(taken)} after ${shown(this.#taken)}`,
        about: [by],
      })
    if (taken.epoch <= epoch) return
    this.#taken = taken
    this.#hasLed = false
  }

  /** It leads in the highest epoch that was ever taken. */
  isNewest({ leader, run }: MasterState): boolean {
    return leader?.epoch === this.#taken.epoch && run === this.#taken.run
  }

  #fail(what: string, about: string): void {
    this.#world.fail({ invariant: INVARIANT, what, about: [about] })
  }
}

const writesLeader = (effect: Effect): boolean =>
  (effect.do === 'checkpoint' || effect.do === 'compact') &&
  effect.records.some(({ kind }) => kind === 'leader')

const shown = ({ epoch, run }: Fence): string => `epoch ${epoch} of ${run}`

function why({ isOld }: Before, input: Step['input']): string {
  const { epoch, run, session } = (input as unknown as { readonly message: FromLeader }).message
  return isOld ? shown({ epoch, run }) : `session ${session}, which is not its own`
}

/** What it has decided since the last flush, and what it holds. */
const doneBy = ({ records, launches, kills }: AgentState['outbox']): number =>
  records.length + launches.size + kills.size

function beforeOrders(state: AgentState, input: Step['input']): Before {
  const { message } = input as unknown as { readonly message: FromLeader & { orders: unknown[] } }
  const { highest, link, outbox } = state
  const own = link.kind === 'opening' || link.kind === 'open' ? link.session.id : undefined
  const isHigher = highest === undefined || compareFence(highest, message) === 'higher'
  return {
    isOld: highest !== undefined && compareFence(highest, message) === 'lower',
    // A higher leader is written down, and no more.
    isForeign: !isHigher && message.session !== undefined && message.session !== own,
    done: doneBy(outbox),
  }
}

function beforeEvents({ highest, link }: SchedulerState, input: Step['input']): Before {
  const { message } = input as unknown as { readonly message: FromLeader }
  const own = link.phase === 'opening' || link.phase === 'open' ? link.session.id : undefined
  return {
    isOld: highest !== undefined && compareFence(highest, message) === 'lower',
    isForeign: message.session !== own,
    done: 0,
  }
}
