/** What has truly happened, seen from outside of all actors; it outlives each of them. */
import type { AgentId, FrameworkKey, Launch, TaskId } from '../../protocol/ids.ts'
import { frameworkKey } from '../../protocol/ids.ts'
import { FRAMEWORK_FAILOVER_MS } from '../../protocol/limits.ts'
import type { StatusNumber, TaskStatus } from '../../protocol/schema/common.ts'
import { isTerminal, type TaskState } from '../../protocol/task-state.ts'

/** An invariant that does not hold. */
export interface Violation {
  /** As the design numbers them, or in words. */
  readonly invariant: string
  readonly what: string
  /** Ids by which the trace is searched. */
  readonly about: readonly string[]
}

/** One process of a framework: what it was told, in order. */
export interface Audience {
  readonly name: string
  /** Of several instances: one that led before may miss what another was told. */
  readonly isInstance: boolean
  /** By task: the newest that was told. */
  readonly told: Map<TaskId, { readonly number: StatusNumber | undefined; state: TaskState }>
}

export interface TaskEntry {
  readonly taskId: TaskId
  starts: number
  /** The end that its agent has in its checkpoint, by launch. */
  readonly ends: Map<Launch, TaskState>
  /** The launch that ever ran. */
  ran: Launch | undefined
  /** Whose checkpoint holds it. */
  agentId: AgentId | undefined
  /** Ends that its agent lost with its machine's power: what was said of them may still come. */
  readonly lostEnds: Set<TaskState>
  /** It went down with its framework: nobody is told of its end. */
  isDropped: boolean
  /** The end that the framework was told first. */
  over: { readonly state: TaskState; readonly launch: Launch | undefined } | undefined
  /** A process of the framework was done with what it was told of its end. */
  isHandled: boolean
  /**
   * The end that a process of the framework was told, and who led then; undefined: its agent may
   * have forgotten.
   */
  toldEnd: { readonly state: TaskState; readonly epoch: number } | undefined
}

export interface FrameworkEntry {
  readonly key: FrameworkKey
  readonly tasks: Map<TaskId, TaskEntry>
  /** So long it may be away. */
  failoverMs: number
  /** It was asked to tear itself down. */
  isToEnd: boolean
  /** A leader has asked the registry to write that it has ended. */
  isEnded: boolean
  /** It has heard that: nobody waits for its statuses. */
  isOver: boolean
}

interface Named {
  readonly framework: FrameworkKey
  readonly taskId: TaskId
  readonly launch: Launch
}

export class Ledger {
  readonly frameworks = new Map<string, FrameworkEntry>()
  /** Agents of which an operator has said that they will not come back: true if it was answered. */
  readonly gone = new Map<AgentId, boolean>()
  /** Of who leads. */
  epoch = 0
  readonly #fail: (violation: Violation) => void
  readonly #isRunning: (launch: Launch) => boolean

  constructor(
    fail: (violation: Violation) => void,
    /** True while a container of that launch truly runs anywhere. */
    isRunning: (launch: Launch) => boolean,
  ) {
    this.#fail = fail
    this.#isRunning = isRunning
  }

  framework(key: FrameworkKey): FrameworkEntry {
    const known = this.frameworks.get(frameworkKey(key))
    if (known !== undefined) return known
    const fresh: FrameworkEntry = {
      key,
      tasks: new Map(),
      failoverMs: FRAMEWORK_FAILOVER_MS,
      isToEnd: false,
      isEnded: false,
      isOver: false,
    }
    this.frameworks.set(frameworkKey(key), fresh)
    return fresh
  }

  /** A leader has ordered its start: from now on it goes down with its framework. */
  ordered(framework: FrameworkKey, taskId: TaskId): void {
    this.#task(framework, taskId)
  }

  /** A machine has started a task's process. Frameworks here never use a task id twice. */
  started(agentId: AgentId, { framework, taskId, launch }: Named): void {
    const task = this.#task(framework, taskId)
    task.starts += 1
    if (task.starts > 1)
      this.#violated('2: no task starts twice', `${taskId} has started again, at ${agentId}`, {
        taskId,
        agentId,
      })
    task.ran = launch
    task.agentId = agentId
    if (task.over === undefined) return
    const what = `${taskId} has started at ${agentId} after its framework was told ${task.over.state}`
    this.#violated('2: nothing runs that is over', what, { taskId, agentId })
  }

  /** An agent has a terminal status in its checkpoint. */
  ended(
    { framework, taskId, launch, agentId }: Named & { agentId: AgentId },
    state: TaskState,
  ): void {
    const task = this.#task(framework, taskId)
    task.agentId = agentId
    // All that it had was over when it was given up.
    if (this.gone.has(agentId)) return
    const { ends } = task
    const before = ends.get(launch)
    ends.set(launch, state)
    if (before !== undefined && before !== state)
      this.#violated('4: a terminal state stays', `${taskId} was ${before} and is ${state}`, {
        taskId,
      })
  }

  /**
   * A leader asks for the end of a framework, perhaps in vain. Its id may come back, when all have
   * forgotten it.
   */
  tornDown(key: FrameworkKey): void {
    const framework = this.framework(key)
    framework.isEnded = true
    for (const task of framework.tasks.values()) task.isDropped = true
  }

  /** A framework is told that it is over, and why. */
  over(key: FrameworkKey, why: string): void {
    const framework = this.framework(key)
    const { isEnded, isToEnd } = framework
    framework.isOver = true
    if (isEnded || isToEnd) return
    const { frameworkId } = key
    this.#violated(
      '5: a framework has its failover time, and no more',
      `${frameworkId} is told that it is over, and nobody has ended it: ${why}`,
      { frameworkId },
    )
  }

  /** An agent's machine lost its power: of what was not safe it need know nothing. */
  forgotten(agentId: AgentId): void {
    for (const { tasks } of this.frameworks.values())
      for (const task of tasks.values()) {
        if (task.agentId !== agentId) continue
        for (const state of task.ends.values()) task.lostEnds.add(state)
        task.ends.clear()
        task.ran = undefined
        task.toldEnd = undefined
      }
  }

  /** A framework's handlers are told a status. */
  told(audience: Audience, framework: FrameworkKey, status: TaskStatus): void {
    const { taskId, state, launch, number } = status
    const before = audience.told.get(taskId)
    if (before !== undefined) {
      if (isTerminal(before.state))
        this.#violated('4: a terminal state stays', `${taskId} is ${state} after ${before.state}`, {
          taskId,
        })
      if (status.source === 'agent' && isLower(number, before.number))
        this.#violated(
          '4: updates are in order',
          `${taskId} ${state} is older than what is known`,
          {
            taskId,
          },
        )
    }
    audience.told.set(taskId, { number: number ?? before?.number, state })
    if (!isTerminal(state)) return
    const task = this.#task(framework, taskId)
    this.#over(task, { state, launch })
    if (!audience.isInstance) this.#toldEnd(task, state)
  }

  /** It has done what it does then: whoever dies before that must be told again. */
  handled(framework: FrameworkKey, { taskId, state }: TaskStatus): void {
    if (isTerminal(state)) this.#task(framework, taskId).isHandled = true
  }

  /** What one process was told, no later one is told otherwise. */
  #toldEnd(task: TaskEntry, state: TaskState): void {
    const { taskId, agentId, lostEnds, toldEnd } = task
    if (agentId !== undefined && this.gone.has(agentId)) return
    if (lostEnds.has(state)) return
    task.toldEnd ??= { state, epoch: this.epoch }
    if (toldEnd === undefined || toldEnd.state === state) return
    // What was acknowledged its agent has forgotten, and a later leader may never have heard it.
    if (state === 'TASK_GONE' && task.isHandled && toldEnd.epoch < this.epoch) return
    const what = `${taskId} is ${state}, and an earlier process was told ${toldEnd.state}`
    this.#violated('4: a terminal state stays', what, { taskId })
  }

  #over(task: TaskEntry, over: NonNullable<TaskEntry['over']>): void {
    const { taskId, ran } = task
    task.over ??= over
    if (ran !== undefined && this.#isRunning(ran))
      this.#violated('2: nothing runs that is over', `${taskId} runs and is told ${over.state}`, {
        taskId,
      })
  }

  #task(framework: FrameworkKey, taskId: TaskId): TaskEntry {
    const { tasks } = this.framework(framework)
    const known = tasks.get(taskId)
    if (known !== undefined) return known
    const fresh: TaskEntry = {
      taskId,
      starts: 0,
      ends: new Map(),
      lostEnds: new Set(),
      ran: undefined,
      agentId: undefined,
      isDropped: false,
      over: undefined,
      isHandled: false,
      toldEnd: undefined,
    }
    tasks.set(taskId, fresh)
    return fresh
  }

  #violated(invariant: string, what: string, about: Readonly<Record<string, string>>): void {
    this.#fail({ invariant, what, about: Object.values(about) })
  }
}

function isLower(given: StatusNumber | undefined, held: StatusNumber | undefined): boolean {
  if (given === undefined || held === undefined) return false
  return (given.incarnation - held.incarnation || given.count - held.count) < 0
}
