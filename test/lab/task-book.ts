/** What a framework of the lab knows of its tasks: how many to launch, whom to kill and when. */
import { isTerminal, type TaskState } from '../../protocol/task-state.ts'
import { chance } from './chance.ts'
import type { Ending } from './contract.ts'
import type { FrameworkConfig, Journal, Launched } from './journal.ts'

interface Task {
  readonly launched: Launched
  /** Launched by an earlier process. */
  readonly isEarlier: boolean
  isHeard: boolean
  isEnded: boolean
  /** When it is to be killed; undefined: not yet known, or never. */
  killAtMs: number | undefined
  /** Since when nobody has known it. */
  unknownAtMs: number | undefined
}

const RUN_MS: readonly [number, number] = [1_000, 1_000]
/** Whom nobody knows for so long was never launched: its accept was lost. */
const UNKNOWN_MS = 30_000
const ASK_AGAIN_MS = 5_000

export class TaskBook {
  readonly #config: FrameworkConfig
  readonly #journal: Journal
  readonly #tasks = new Map<string, Task>()
  readonly #random: () => number
  #unfinished = 0
  #count = 0
  #isDraining = false

  /** Begins with what earlier processes have written. */
  constructor(config: FrameworkConfig, journal: Journal) {
    this.#config = config
    this.#journal = journal
    for (const entry of journal.entries()) {
      if (entry.do === 'launch') this.#add(entry, true)
      const task = this.#tasks.get(entry.taskId)
      if (entry.do === 'refuse' || entry.do === 'give-up') this.#end(task)
      // What was killed and has not ended is killed again.
      else if (entry.do === 'kill' && task !== undefined) task.killAtMs = entry.atMs
    }
    for (const { taskId, state } of journal.statuses()) this.hear(taskId, state as TaskState)
    this.#random = chance((config.seed ?? 1) + this.#count)
  }

  get isLaunching(): boolean {
    const { tasks } = this.#config
    return !this.#isDraining && (tasks === 0 || this.#count < tasks)
  }

  /** All that was to be launched has been, and has ended. */
  get isDone(): boolean {
    return !this.isLaunching && this.#unfinished === 0
  }

  drain(): void {
    this.#isDraining = true
    this.catchUp()
  }

  /**
   * Takes up what an instance wrote that did not know yet that it leads no more: none of it was
   * launched, and it is cleared up as what is unheard of an earlier process.
   */
  catchUp(): void {
    for (const entry of this.#journal.entries())
      if (entry.do === 'launch' && !this.#tasks.has(entry.taskId)) this.#add(entry, true)
  }

  /** How many of so many may be launched now. */
  room(wanted: number): number {
    if (!this.isLaunching) return 0
    const { tasks, atOnce = Number.POSITIVE_INFINITY } = this.#config
    const left = tasks === 0 ? Number.POSITIVE_INFINITY : tasks - this.#count
    return Math.max(0, Math.min(wanted, left, atOnce - this.#unfinished))
  }

  launch(count: number, agentId: string): readonly Launched[] {
    const group =
      this.#config.groups && count > 1 ? `group of ${this.#idOf(this.#count)}` : undefined
    const launched = Array.from({ length: count }, (_, i) => {
      const one = this.#next(this.#count + i, agentId)
      return group === undefined || i > 1 ? one : { ...one, group }
    })
    this.#journal.write(launched)
    for (const one of launched) this.#add(one, false)
    return launched
  }

  refuse(taskId: string, why: string): void {
    const task = this.#tasks.get(taskId)
    // The id is in use: by this launch, whose first answer was lost.
    if (task === undefined || task.isHeard) return
    this.#journal.write([{ do: 'refuse', taskId, why }])
    this.#end(task)
  }

  hear(taskId: string, state: TaskState): void {
    const task = this.#tasks.get(taskId)
    if (task === undefined) return
    if (state === 'TASK_UNKNOWN') return this.#hearUnknown(task)
    task.isHeard = true
    task.unknownAtMs = undefined
    if (isTerminal(state)) this.#end(task)
    else if (task.launched.isKilled && task.killAtMs === undefined)
      task.killAtMs = Date.now() + task.launched.runMs
  }

  /** Those whose time to be killed has come: each is named once. */
  dueKills(nowMs: number): readonly string[] {
    const due = [...this.#tasks.values()].filter(
      ({ isEnded, killAtMs }) => !isEnded && killAtMs !== undefined && killAtMs <= nowMs,
    )
    return this.#kill(due, nowMs)
  }

  /** Of earlier processes, and never heard of: whether they run is not known. */
  unheardOfEarlier(): readonly string[] {
    const unheard = [...this.#tasks.values()].filter(
      ({ isEarlier, isEnded, isHeard, killAtMs }) =>
        isEarlier && !isEnded && !isHeard && killAtMs !== Number.POSITIVE_INFINITY,
    )
    return this.#kill(unheard, Date.now())
  }

  #kill(tasks: readonly Task[], atMs: number): readonly string[] {
    const ids = tasks.map(({ launched }) => launched.taskId)
    this.#journal.write(ids.map((taskId) => ({ do: 'kill', taskId, atMs }) as const))
    for (const task of tasks) task.killAtMs = Number.POSITIVE_INFINITY
    return ids
  }

  #hearUnknown(task: Task): void {
    if (task.isEnded) return
    const nowMs = Date.now()
    task.unknownAtMs ??= nowMs
    if (task.isHeard) return
    if (nowMs - task.unknownAtMs < UNKNOWN_MS) {
      // Of what this process knows by name only the library asks once.
      if (task.isEarlier) task.killAtMs = nowMs + ASK_AGAIN_MS
      return
    }
    this.#journal.write([{ do: 'give-up', taskId: task.launched.taskId }])
    this.#end(task)
  }

  #add(launched: Launched, isEarlier: boolean): void {
    this.#count += 1
    this.#unfinished += 1
    this.#tasks.set(launched.taskId, {
      launched,
      isEarlier,
      isHeard: false,
      isEnded: false,
      killAtMs: undefined,
      unknownAtMs: undefined,
    })
  }

  #end(task: Task | undefined): void {
    if (task === undefined || task.isEnded) return
    task.isEnded = true
    this.#unfinished -= 1
  }

  /** Two instances that both believe for a moment that they lead give no id twice. */
  #idOf(number: number): string {
    const { frameworkId, standby = false } = this.#config
    return standby ? `${frameworkId}-${process.pid}-${number}` : `${frameworkId}-${number}`
  }

  #next(number: number, agentId: string): Launched {
    const { endings = ['ok'], killPart = 0, runMs: [from, to] = RUN_MS } = this.#config
    const ending = endings[number % endings.length] as Ending
    return {
      do: 'launch',
      taskId: this.#idOf(number),
      agentId,
      ending,
      runMs: Math.round(from + this.#random() * (to - from)),
      isKilled: ending === 'stubborn' || (this.#random() < killPart && ending !== 'sick'),
      atMs: Date.now(),
    }
  }
}
