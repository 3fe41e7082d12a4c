/** A framework that keeps so many copies of a service running, and starts one anew when it ends. */
import { isTerminal, type Scheduler, type TaskWish } from '../../actors/scheduler/scheduler.ts'

export interface Service {
  readonly copies: number
  readonly task: TaskWish
}

/** Resolves when the scheduler has ended. */
export async function keepRunning(scheduler: Scheduler, { copies, task }: Service): Promise<void> {
  const running = new Set<string>()
  /** Since the last accept, whose answer may come after their end. */
  const ended = new Set<string>()
  const want = (): void => (running.size < copies ? scheduler.revive() : scheduler.suppress())
  scheduler.onStatus(({ taskId, state }) => {
    if (isTerminal(state)) {
      running.delete(taskId)
      ended.add(taskId)
    } else running.add(taskId)
    want()
  })
  for await (const offer of scheduler.offers()) {
    const fitting = Math.min(copies - running.size, offer.roomFor(task.resources))
    if (fitting <= 0) {
      await offer.decline('enough copies run')
      want()
      continue
    }
    ended.clear()
    const { taskIds, outcome } = await offer.accept(Array<TaskWish>(fitting).fill(task))
    if (outcome === 'refused') continue
    for (const taskId of taskIds) if (!ended.has(taskId)) running.add(taskId)
  }
}
