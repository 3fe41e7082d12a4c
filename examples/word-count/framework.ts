/** The word count as it runs: offers and statuses in, the core in the middle, answers out. */
import {
  ClusterError,
  isTerminal,
  type Offered,
  type Scheduler,
  type TaskStatus,
} from '../../actors/scheduler/scheduler.ts'
import { handleCount, WANTED } from './core.ts'
import type { CountState, Effect, Input, TaskRecord } from './state.ts'

export interface Watcher {
  /** A task was placed, or something has become of it. */
  readonly task: (task: TaskRecord) => void
  /** An offer was declined. */
  readonly declined: (agentId: string, reason: string) => void
}

/**
 * Counts all parts of `state` on the cluster; its counts, tasks and agents are in it then.
 *
 * @throws {ClusterError} `word-count/failed`: a part cannot be counted, or somebody has closed the
 * scheduler. `scheduler/ended`.
 */
export async function countOnCluster(
  state: CountState,
  deps: { readonly scheduler: Scheduler; readonly watcher: Watcher },
): Promise<void> {
  const why = await new Framework(state, deps).finish()
  if (why !== undefined) throw new ClusterError('word-count/failed', 'never', why)
}

class Framework {
  readonly #state: CountState
  readonly #scheduler: Scheduler
  readonly #watcher: Watcher
  readonly #inputs: Input[] = []
  readonly #offers = new Map<string, Offered>()
  readonly #readings = new Map<string, Promise<void>>()
  #isStepping = false
  #end: (why: string | undefined) => void = () => undefined

  constructor(
    state: CountState,
    { scheduler, watcher }: { readonly scheduler: Scheduler; readonly watcher: Watcher },
  ) {
    this.#state = state
    this.#scheduler = scheduler
    this.#watcher = watcher
  }

  async finish(): Promise<string | undefined> {
    const over = new Promise<string | undefined>((resolve) => {
      this.#end = resolve
    })
    const statuses = this.#scheduler.onStatus((status) => this.#onStatus(status))
    void this.#takeOffers()
    const why = await Promise.race([over, this.#scheduler.ended])
    statuses.close()
    if (why instanceof ClusterError) throw why
    return this.#state.isOver ? why : 'it was told to end'
  }

  /** An agent keeps what a task wrote until its end is acknowledged: that waits for the reader. */
  #onStatus(status: TaskStatus): void | Promise<void> {
    this.#step({ kind: 'status', status })
    return isTerminal(status.state) ? this.#readings.get(status.taskId) : undefined
  }

  async #takeOffers(): Promise<void> {
    try {
      for await (const offer of this.#scheduler.offers()) {
        const { offerId, agentId } = offer
        this.#offers.set(offerId, offer)
        this.#step({ kind: 'offer', offerId, agentId, room: offer.roomFor(WANTED) })
        this.#offers.delete(offerId)
      }
    } catch (error) {
      // Why no more come is what `ended` says, too.
      if (!(error instanceof ClusterError)) throw error
    }
  }

  /** One input at a time: what an effect sets off at once comes after it. */
  #step(input: Input): void {
    this.#inputs.push(input)
    if (this.#isStepping) return
    this.#isStepping = true
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift())
      for (const effect of handleCount(this.#state, next)) this.#perform(effect)
    this.#isStepping = false
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'accept':
        return void this.#accept(effect)
      case 'decline': {
        const { offer, reason, refuseMs } = effect
        this.#watcher.declined(offer.agentId, reason)
        return void this.#offers.get(offer.offerId)?.decline(reason, { refuseMs })
      }
      case 'read': {
        const { taskId } = effect
        const reading = this.#read(effect).then(() => void this.#readings.delete(taskId))
        return void this.#readings.set(taskId, reading)
      }
      case 'kill':
        return this.#scheduler.kill(effect.taskId)
      case 'revive':
        return this.#scheduler.revive()
      case 'tell':
        return this.#watcher.task(effect.task)
      case 'end':
        return this.#end(effect.why)
      default:
        return effect satisfies never
    }
  }

  async #accept({ offer, tasks }: Extract<Effect, { do: 'accept' }>): Promise<void> {
    const { offerId, agentId } = offer
    const accepted = await this.#offers.get(offerId)?.accept(tasks)
    if (accepted !== undefined) this.#step({ kind: 'answered', agentId, accepted })
  }

  async #read({ taskId, agentId, stream }: Extract<Effect, { do: 'read' }>): Promise<void> {
    const pieces: Uint8Array[] = []
    let why: string | undefined
    for await (const { data, missing } of this.#scheduler.readOutput({ taskId, agentId, stream })) {
      pieces.push(data)
      why = missing
    }
    const text = Buffer.concat(pieces).toString()
    this.#step({ kind: 'output', taskId, text, ...(why !== undefined && { missing: why }) })
  }
}
