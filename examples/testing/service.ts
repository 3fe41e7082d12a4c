/** A framework that keeps so many copies of a service running, and starts one anew when it ends. */
import { isTerminal, type Scheduler, type TaskWish } from '../../actors/scheduler/scheduler.ts'

export interface Service {
  readonly copies: number
  readonly task: TaskWish
}

/** Resolves when the scheduler has ended. */
export async function keepRunning(scheduler: Scheduler, { copies, task }: Service): Promise<void> {
  const running = new Set<string>()
  const want = (): void => (running.size < copies ? scheduler.revive() : scheduler.suppress())
  scheduler.onStatus(({ taskId, state }) => {
    if (isTerminal(state)) running.delete(taskId)
    else running.add(taskId)
    want()
  })
  for await (const offer of scheduler.offers()) {
    const fitting = Math.min(copies - running.size, offer.roomFor(task.resources))
    if (fitting <= 0) {
      await offer.decline('enough copies run')
      want()
      continue
    }
    const { taskIds, outcome } = await offer.accept(Array<TaskWish>(fitting).fill(task))
    if (outcome !== 'refused') for (const taskId of taskIds) running.add(taskId)
  }
}
