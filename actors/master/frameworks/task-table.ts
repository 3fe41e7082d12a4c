/** Tasks of one framework: one of each id, and what other agents run under the same. */
import type { AgentId, TaskId } from '../../../protocol/ids.ts'

interface Placed {
  readonly taskId: TaskId
  readonly agentId: AgentId
}

/**
 * An id means the task that was known first. Another agent may run a launch that was made since,
 * when nobody knew of the first: it counts like any other, and the id is its own when the first is
 * over. Of each agent there is at most one of each id, the latest that it has shown: what else it
 * runs under the id was made before, and is to die.
 */
export class TaskTable<Task extends Placed> {
  readonly #first = new Map<TaskId, Task>()
  readonly #others = new Map<TaskId, Map<AgentId, Task>>()
  #otherCount = 0

  /** Of all, with those that stand behind the first of their id. */
  get size(): number {
    return this.#first.size + this.#otherCount
  }

  get(taskId: TaskId): Task | undefined {
    return this.#first.get(taskId)
  }

  has(taskId: TaskId): boolean {
    return this.#first.has(taskId)
  }

  /** What that agent runs under the id. */
  at(agentId: AgentId, taskId: TaskId): Task | undefined {
    const first = this.#first.get(taskId)
    return first?.agentId === agentId ? first : this.#others.get(taskId)?.get(agentId)
  }

  /** Whatever runs under the id, the first before the others. */
  all(taskId: TaskId): readonly Task[] {
    const first = this.#first.get(taskId)
    return first === undefined ? [] : [first, ...(this.#others.get(taskId)?.values() ?? [])]
  }

  /**
   * None is missed that stays, whatever is deleted meanwhile: one that becomes the first of its id
   * is put behind all firsts, and comes twice at most.
   */
  *values(): IterableIterator<Task> {
    for (const others of this.#others.values()) yield* others.values()
    yield* this.#first.values()
  }

  /** Its agent has none of that id. */
  add(task: Task): void {
    const { taskId, agentId } = task
    if (!this.#first.has(taskId)) {
      this.#first.set(taskId, task)
      return
    }
    const others = this.#others.get(taskId) ?? new Map<AgentId, Task>()
    this.#others.set(taskId, others.set(agentId, task))
    this.#otherCount += 1
  }

  delete(task: Task): void {
    const { taskId } = task
    if (this.#first.get(taskId) !== task) return this.#deleteOther(task)
    this.#first.delete(taskId)
    const [next] = this.#others.get(taskId)?.values() ?? []
    if (next === undefined) return
    this.#deleteOther(next)
    this.#first.set(taskId, next)
  }

  #deleteOther(task: Task): void {
    const { taskId, agentId } = task
    const others = this.#others.get(taskId)
    if (others?.get(agentId) !== task) return
    others.delete(agentId)
    if (others.size === 0) this.#others.delete(taskId)
    this.#otherCount -= 1
  }
}
