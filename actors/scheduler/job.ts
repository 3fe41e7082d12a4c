/** Tasks that wait together, to be found by what they want and by where they prefer to be. */
import type { TaskId } from '../../protocol/ids.ts'
import type { Resources } from '../../protocol/resources.ts'
import type { TaskInfo } from '../../protocol/schema/common.ts'
import { type Choice, choiceAt, type SeenPlace } from './preferences.ts'

/** What tasks want that are alike. */
export interface Kind {
  /** Undefined: any. */
  readonly role: string | undefined
  readonly resources: Resources
  /** How long each choice is waited for before it counts; the last one: any place. Rising. */
  readonly waitsMs: readonly number[]
}

export interface NewTask {
  readonly taskId: TaskId
  readonly task: TaskInfo
  /** On the wire. */
  readonly bytes: number
  /** One and the same for all that are alike. */
  readonly kind: Kind
  readonly choices: readonly Choice[]
}

export interface WaitingTask extends NewTask {
  readonly job: Job
}

export class Job {
  /**
   * Since when (monotonic) places are passed over; undefined: since the last good place none was.
   */
  passedOverAtMs: number | undefined
  readonly #tasks = new Map<TaskId, WaitingTask>()
  readonly #kinds = new Map<Kind, number>()
  /** By what their choices are about. */
  readonly #wishes = new Map<string, Wishes>()

  get size(): number {
    return this.#tasks.size
  }

  /** In order. One that is removed meanwhile does no harm. */
  tasks(): Iterable<WaitingTask> {
    return this.#tasks.values()
  }

  /** How many are alike. */
  kinds(): Iterable<readonly [Kind, number]> {
    return this.#kinds
  }

  add(task: WaitingTask): void {
    const { kind } = task
    this.#tasks.set(task.taskId, task)
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1)
    for (const [choice, { attribute, values }] of task.choices.entries())
      addWish(this.#wishesFor(choice, attribute), values, task)
  }

  remove(task: WaitingTask): void {
    const { kind } = task
    if (!this.#tasks.delete(task.taskId)) return
    const count = (this.#kinds.get(kind) ?? 1) - 1
    if (count === 0) this.#kinds.delete(kind)
    else this.#kinds.set(kind, count)
    for (const [choice, { attribute, values }] of task.choices.entries())
      dropWish(this.#wishesFor(choice, attribute), values, task)
  }

  /** They come before all that are there. */
  addFirst(tasks: readonly WaitingTask[]): void {
    const later = [...this.#tasks.values()]
    for (const task of later) this.remove(task)
    for (const task of [...tasks, ...later]) this.add(task)
  }

  /** Those that prefer the place, by which choice of theirs it is; undefined: nobody does. */
  near(place: SeenPlace): readonly (readonly WaitingTask[] | undefined)[] | undefined {
    let near: WaitingTask[][] | undefined
    for (const wishes of this.#wishes.values()) {
      const found = findWishes(wishes, place)
      if (found === undefined) continue
      near ??= []
      const { choice } = wishes
      near[choice] = [...(near[choice] ?? []), ...found]
    }
    return near
  }

  #wishesFor(choice: number, attribute: string): Wishes {
    const key = `${choice} ${attribute}`
    const known = this.#wishes.get(key)
    if (known !== undefined) return known
    const made = { choice, attribute, byValue: new Map() }
    this.#wishes.set(key, made)
    return made
  }
}

/** Who has such a choice about such an attribute. */
interface Wishes {
  readonly choice: number
  readonly attribute: string
  readonly byValue: Map<string, Set<WaitingTask>>
}

function addWish({ byValue }: Wishes, values: ReadonlySet<string>, task: WaitingTask): void {
  for (const value of values) {
    const there = byValue.get(value)
    if (there === undefined) byValue.set(value, new Set([task]))
    else there.add(task)
  }
}

function dropWish({ byValue }: Wishes, values: ReadonlySet<string>, task: WaitingTask): void {
  for (const value of values) {
    const there = byValue.get(value)
    there?.delete(task)
    if (there?.size === 0) byValue.delete(value)
  }
}

function findWishes(
  { choice, attribute, byValue }: Wishes,
  place: SeenPlace,
): ReadonlySet<WaitingTask> | undefined {
  let found: Set<WaitingTask> | undefined
  for (const value of place.valuesOf(attribute)) {
    const there = byValue.get(value)
    if (there === undefined) continue
    found ??= new Set()
    // A better choice of its may be this place, too.
    for (const task of there) if (choiceAt(task.choices, place) === choice) found.add(task)
  }
  return found
}
