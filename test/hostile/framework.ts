/** The framework of the run, in this process: it launches tasks on one agent and follows them. */
import {
  type Offered,
  openScheduler,
  type Scheduler,
  type TaskStatus,
  type TaskWish,
} from '../../actors/scheduler/scheduler.ts'
import { isTerminal } from '../../protocol/task-state.ts'

export interface Following {
  readonly taskId: string
  /** Resolves when it runs, or has ended without. */
  readonly running: Promise<TaskStatus>
  readonly ended: Promise<TaskStatus>
}

export class HostileFramework {
  readonly scheduler: Scheduler
  readonly #states = new Map<string, TaskStatus>()
  readonly #waiting = new Set<() => void>()
  #count = 0

  private constructor(scheduler: Scheduler) {
    this.scheduler = scheduler
    scheduler.onStatus((status) => {
      this.#states.set(status.taskId, status)
      for (const look of this.#waiting) look()
    })
  }

  static async open(nats: string): Promise<HostileFramework> {
    return new HostileFramework(await openScheduler({ name: 'hostile', nats }))
  }

  /** The next offer with room for all of them. */
  async offer(wishes: readonly TaskWish[]): Promise<Offered> {
    this.scheduler.revive()
    const all = totalOf(wishes)
    for await (const offer of this.scheduler.offers()) {
      if (offer.roomFor(all) > 0) return offer
      await offer.decline('not all of them fit', { refuseMs: 0 })
    }
    throw new Error('the framework gets no more offers')
  }

  /** Launches all with one accept; resolves when they are launched. */
  async launch(
    wishesOn: (offer: Offered) => readonly TaskWish[],
    about: readonly TaskWish[],
  ): Promise<readonly Following[]> {
    for (;;) {
      const offer = await this.offer(about)
      const wishes = wishesOn(offer).map((wish) => {
        this.#count += 1
        return { ...wish, taskId: `${wish.name}-${this.#count}` }
      })
      const { outcome } = await offer.accept(wishes, { refuseMs: 0 })
      if (outcome !== 'refused') return wishes.map(({ taskId }) => this.#follow(taskId))
    }
  }

  /** What it printed, to its end. */
  async output(taskId: string): Promise<string> {
    const pieces: Uint8Array[] = []
    for await (const { data, missing } of this.scheduler.readOutput({ taskId })) {
      pieces.push(data)
      if (missing !== undefined) throw new Error(`the output of ${taskId} is not whole: ${missing}`)
    }
    return Buffer.concat(pieces).toString()
  }

  async close(): Promise<void> {
    await this.scheduler.teardown()
    await this.scheduler.close()
  }

  #follow(taskId: string): Following {
    return {
      taskId,
      running: this.#until(taskId, ({ state }) => state === 'TASK_RUNNING' || isTerminal(state)),
      ended: this.#until(taskId, ({ state }) => isTerminal(state)),
    }
  }

  #until(taskId: string, isThere: (status: TaskStatus) => boolean): Promise<TaskStatus> {
    return new Promise((resolve) => {
      const look = (): void => {
        const status = this.#states.get(taskId)
        if (status === undefined || !isThere(status)) return
        this.#waiting.delete(look)
        resolve(status)
      }
      this.#waiting.add(look)
      look()
    })
  }
}

/** Amounts; ports are left out. */
function totalOf(wishes: readonly TaskWish[]): Readonly<Record<string, number>> {
  const total: Record<string, number> = {}
  for (const { resources } of wishes)
    for (const [name, amount] of amountsOf(resources)) total[name] = (total[name] ?? 0) + amount
  return total
}

function amountsOf(resources: TaskWish['resources']): readonly (readonly [string, number])[] {
  if (!Array.isArray(resources)) return Object.entries(resources as Record<string, number>)
  return resources.flatMap(({ name, scalar }) => (scalar === undefined ? [] : [[name, scalar]]))
}
