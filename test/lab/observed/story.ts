/** All that a framework has written down of its tasks, and what follows from it. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isTerminal, type TaskState } from '../../../protocol/task-state.ts'
import { Tail } from './tail.ts'

/** The lines of its `journal`, as far as they matter here. */
interface Entry {
  readonly do: 'launch' | 'refuse' | 'kill' | 'give-up'
  readonly taskId: string
  readonly agentId?: string
  readonly group?: string
  readonly ending?: 'ok' | 'fails' | 'crashes' | 'stubborn' | 'sick'
  readonly isKilled?: boolean
  readonly atMs?: number
}

/** The lines of its `statuses`. */
export interface Told {
  readonly taskId: string
  readonly state: TaskState
  readonly agentId?: string
  readonly source: 'agent' | 'master'
  readonly reason?: string
  readonly exit?: { readonly code?: number; readonly signal?: number }
  readonly number?: { readonly incarnation: number; readonly count: number }
  readonly heardAtMs: number
  /** Which of its processes was told. */
  readonly pid: number
}

export interface Task {
  readonly taskId: string
  readonly frameworkId: string
  readonly agentId: string
  /** Those of one group have the same. */
  readonly group: string | undefined
  readonly ending: string
  readonly launchedAtMs: number
  wasKilled: boolean
  wasRefused: boolean
  wasGivenUp: boolean
  /** Which process of the framework was told last; 0: none. */
  pid: number
  last: Told | undefined
  end: Told | undefined
}

export class Story {
  readonly frameworkId: string
  /** By id; in the order of their launch. */
  readonly tasks = new Map<string, Task>()
  readonly #groups = new Map<string, Task[]>()
  readonly #folder: string
  readonly #journal: Tail<Entry>
  readonly #statuses: Tail<Told>
  readonly #broken: (sentence: string) => void

  constructor(frameworkId: string, folder: string, broken: (sentence: string) => void) {
    this.frameworkId = frameworkId
    this.#folder = folder
    this.#journal = new Tail(join(folder, 'journal'))
    this.#statuses = new Tail(join(folder, 'statuses'))
    this.#broken = broken
  }

  /** Tasks that have ended since the last look; those of a group when all of it have. */
  look(): readonly Task[] {
    const entries = this.#journal.read()
    for (const entry of entries) this.#enter(entry)
    const ended = this.#statuses.read().flatMap((told) => this.#tell(told))
    const groups = new Set(ended.flatMap(({ group }) => group ?? []))
    const together = [...groups].flatMap((group) => {
      const tasks = this.groupOf({ group })
      return tasks.every(isOver) ? tasks : []
    })
    return [...ended.filter(({ group }) => group === undefined), ...together]
  }

  /** All of its group, itself too; none if it is of none. */
  groupOf({ group }: Pick<Task, 'group'>): readonly Task[] {
    return group === undefined ? [] : (this.#groups.get(group) ?? [])
  }

  /** How often its command has begun. */
  starts({ taskId }: Task): number {
    return linesOf(join(this.#folder, 'starts', taskId))
  }

  /** It has run to its end by itself. */
  hasRunOut({ taskId }: Task): boolean {
    return existsSync(join(this.#folder, 'ends', taskId))
  }

  #enter(entry: Entry): void {
    const { taskId, agentId = '', group, ending = 'ok', atMs = 0 } = entry
    if (entry.do === 'launch') {
      const task: Task = {
        taskId,
        frameworkId: this.frameworkId,
        agentId,
        group,
        ending,
        launchedAtMs: atMs,
        wasKilled: false,
        wasRefused: false,
        wasGivenUp: false,
        pid: 0,
        last: undefined,
        end: undefined,
      }
      this.tasks.set(taskId, task)
      if (group !== undefined) this.#groups.set(group, [...(this.#groups.get(group) ?? []), task])
      return
    }
    const task = this.tasks.get(taskId)
    if (task === undefined) return
    if (entry.do === 'kill') task.wasKilled = true
    if (entry.do === 'refuse') task.wasRefused = true
    if (entry.do === 'give-up') task.wasGivenUp = true
  }

  #tell(told: Told): readonly Task[] {
    const task = this.tasks.get(told.taskId)
    if (task === undefined || told.state === 'TASK_UNKNOWN') return []
    const { last, end } = task
    // Another process may be told again what an earlier one has not acknowledged; of two, one that
    // leads no more may hear late.
    const isSameProcess = task.pid === told.pid
    task.pid = told.pid
    const who = `${this.frameworkId}/${told.taskId}`
    if (end !== undefined) {
      if (isTerminal(told.state) ? told.state !== end.state : isSameProcess)
        this.#broken(`I3: ${who} was told ${end.state}, and then ${told.state}`)
      return []
    }
    if (last !== undefined && isSameProcess && isOlder(told, last))
      this.#broken(`I3: ${who} was told ${last.state}, and then the older ${told.state}`)
    task.last = told
    if (!isTerminal(told.state)) return []
    task.end = told
    return [task]
  }
}

const isOver = ({ end, wasRefused, wasGivenUp }: Task): boolean =>
  end !== undefined || wasRefused || wasGivenUp

/** Of one agent: others have numbers of their own. A repeat is as old as before. */
const isOlder = (a: Told, b: Told): boolean =>
  a.number !== undefined &&
  b.number !== undefined &&
  a.agentId === b.agentId &&
  (a.number.incarnation - b.number.incarnation || a.number.count - b.number.count) < 0

function linesOf(path: string): number {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean).length
  } catch {
    // It has not begun.
    return 0
  }
}
