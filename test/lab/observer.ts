/**
 * Watches a cluster from outside: it hears what anybody may hear on the bus, looks at the machine
 * and at what frameworks have written down, and says what must not be. It knows the protocol and
 * the codec, and nothing else of the product.
 *
 * I1: no agent runs more than it has, nor with what is offered of it beside. I2: epochs rise, each
 * has one leader. I3: each task has one end. I4: no task is started twice, and none runs that is
 * over for its framework. I5: tasks end by themselves or are killed. I6: nothing is left.
 *
 * What it did not hear proves nothing: it was deaf, or a message was lost. Only what it heard
 * counts; whether something is missing is judged by files and processes, which are always there.
 */

import { type Amounts, addUp, exceeds } from './observed/amounts.ts'
import { type Ear, openEar } from './observed/ear.ts'
import { type Excuse, judge } from './observed/judge.ts'
import { type Leader, Leaders } from './observed/leaders.ts'
import { Machine, type RunningTask } from './observed/machine.ts'
import { Story, type Task } from './observed/story.ts'
import { Updates } from './observed/updates.ts'

export interface ObserverOptions {
  readonly servers: readonly string[]
  readonly cluster: string
  /** Work directories of all agents lie in it. */
  readonly folder: string
}

export interface WatchedFramework {
  readonly frameworkId: string
  readonly folder: string
  /** Of each of its tasks. */
  readonly resources: Amounts
}

export interface WatchedAgent {
  readonly agentId: string
  readonly total: Amounts
}

/** Whose tasks; all if nothing is said. */
export interface Of {
  readonly agentId?: string
  readonly frameworkId?: string
  /** Only of tasks that were launched since then, by the wall clock. */
  readonly launchedSinceMs?: number
}

export interface Figures {
  readonly launched: number
  /** Start files. */
  readonly started: number
  /** What frameworks were told: by terminal state. */
  readonly ended: Readonly<Record<string, number>>
  readonly killed: number
  /** Launched, and no start file: by what their frameworks were told, `TASK_DROPPED STALE`. */
  readonly neverBegun: Readonly<Record<string, number>>
  /** Launched, and nobody was told of an end. */
  readonly unfinished: number
  /** Began, and ended otherwise than by themselves or a kill. */
  readonly lost: number
  readonly doubled: number
  /** Ended by what was done to their agent: a reboot, a full disk. */
  readonly excused: number
  /** Messages of the leaders that were not heard. */
  readonly missed: number
  readonly deaf: number
}

interface Waiting {
  readonly of: Of
  readonly resolve: () => void
}

const LOOK_MS = 250
/** From one look to the next, of what a look takes. */
const PAUSE_PART = 10
/** So long a task may still be seen after its framework was told its end. */
const GRACE_MS = 5_000
const STEP_MS = 50

export async function openObserver(options: ObserverOptions): Promise<Observer> {
  const observer = new Observer(options)
  await observer.open()
  return observer
}

export class Observer {
  readonly #options: ObserverOptions
  readonly #violations = new Set<string>()
  readonly #broken = (sentence: string): void => void this.#violations.add(sentence)
  readonly #leaders = new Leaders(this.#broken)
  readonly #updates = new Updates(this.#broken)
  readonly #stories = new Map<string, Story>()
  readonly #resources = new Map<string, Amounts>()
  readonly #totals = new Map<string, Amounts>()
  readonly #machine: Machine
  readonly #excuses: Excuse[] = []
  readonly #beats = new Set<(leader: Leader) => void>()
  readonly #waiting = new Set<Waiting>()
  /** Since when a task runs that is over. */
  readonly #undead = new Map<string, number>()
  readonly #counts = { lost: 0, doubled: 0, excused: 0 }
  #deaf = 0
  #ear: Ear | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: ObserverOptions) {
    this.#options = options
    this.#machine = new Machine(options.folder)
  }

  async open(): Promise<void> {
    this.#ear = await openEar({
      ...this.#options,
      onBeat: (beat) => {
        this.#leaders.beat(beat, performance.now())
        for (const hear of this.#beats) hear(beat)
      },
      onEvents: (ids, events) => this.#leaders.events(ids, events, performance.now()),
      onUpdates: (agentId, frameworkId, updates) =>
        this.#updates.hear(agentId, frameworkId, updates),
      onStrange: (sentence) => this.#broken(`the bus: ${sentence}`),
      onDeaf: () => {
        this.#deaf += 1
      },
    })
    this.#lookAgain(LOOK_MS)
  }

  /** On a busy machine a look takes long, and the lab's proxies wait for it. */
  #lookAgain(afterMs: number): void {
    this.#timer = setTimeout(() => {
      const begunMs = performance.now()
      this.look()
      this.#lookAgain(Math.max(LOOK_MS, PAUSE_PART * (performance.now() - begunMs)))
    }, afterMs)
  }

  get leader(): Leader | undefined {
    return this.#leaders.leader
  }

  violations(): readonly string[] {
    return [...this.#violations]
  }

  watch({ frameworkId, folder, resources }: WatchedFramework): void {
    this.#stories.set(frameworkId, new Story(frameworkId, folder, this.#broken))
    this.#resources.set(frameworkId, resources)
  }

  /** Its tasks take that much on this machine; what becomes of them is written down nowhere. */
  count(frameworkId: string, resources: Amounts): void {
    this.#resources.set(frameworkId, resources)
  }

  watchAgent({ agentId, total }: WatchedAgent): void {
    this.#totals.set(agentId, total)
  }

  /**
   * From now on something is done to an agent that may end its tasks. Call what it gives when that
   * is over.
   */
  excuse(agentId: string): () => void {
    const excuse = { agentId, fromMs: Date.now(), untilMs: Number.POSITIVE_INFINITY }
    this.#excuses.push(excuse)
    return () => {
      excuse.untilMs = Date.now()
    }
  }

  /** Who leads, as the next beat of the highest epoch says. */
  nextBeat(): Promise<string> {
    return new Promise((resolve) => {
      const hear = ({ epoch, master }: Leader): void => {
        if (epoch < (this.leader?.epoch ?? 0)) return
        this.#beats.delete(hear)
        resolve(master)
      }
      this.#beats.add(hear)
    })
  }

  /** Resolves when a framework is told that such a task has ended by itself, from now on. */
  nextFinished(of: Of = {}): Promise<void> {
    return new Promise((resolve) => this.#waiting.add({ of, resolve }))
  }

  /** What runs on this machine now. */
  tasksHere(): readonly RunningTask[] {
    return this.#machine.tasks()
  }

  /** What an agent has not, of all that it runs now and of what stands offered beside. */
  overlap(agentId: string, offered: Amounts): string | undefined {
    const total = this.#totals.get(agentId)
    // Of ten thousand that only pretend nobody looks at the machine.
    if (total === undefined) return undefined
    const used = this.#usedBy(this.#machine.tasks()).get(agentId) ?? []
    return exceeds(addUp([...used, offered]), total)
  }

  figures(): Figures {
    const stories = [...this.#stories.values()]
    const tasks = stories.flatMap((story) => [...story.tasks.values()])
    const ended: Record<string, number> = {}
    for (const { end } of tasks) if (end) ended[end.state] = (ended[end.state] ?? 0) + 1
    const idle = stories.flatMap((story) =>
      [...story.tasks.values()].filter((task) => story.starts(task) === 0),
    )
    const neverBegun: Record<string, number> = {}
    for (const task of idle.filter(({ wasRefused }) => !wasRefused)) {
      const why = whyNever(task)
      neverBegun[why] = (neverBegun[why] ?? 0) + 1
    }
    return {
      launched: tasks.filter(({ wasRefused }) => !wasRefused).length,
      started: tasks.length - idle.length,
      ended,
      neverBegun,
      killed: tasks.filter(({ wasKilled }) => wasKilled).length,
      unfinished: tasks.filter(isUnfinished).length,
      ...this.#counts,
      missed: this.#leaders.missed,
      deaf: this.#deaf,
    }
  }

  /** One look at everything. It looks by itself; this is for who will not wait. */
  look(): void {
    for (const story of this.#stories.values())
      for (const task of story.look()) this.#judge(story, task)
    this.#lookAtMachine(performance.now())
  }

  /** Resolves with all violations; waits a little for what is still on its way out. */
  async conclude(): Promise<readonly string[]> {
    const endMs = performance.now() + GRACE_MS
    while (this.#leftHere().length > 0 && performance.now() < endMs)
      await new Promise((resolve) => setTimeout(resolve, STEP_MS))
    this.look()
    for (const left of this.#leftHere()) this.#broken(`I6: ${left} is left`)
    for (const story of this.#stories.values())
      for (const task of story.tasks.values()) this.#judgeUnfinished(story, task)
    return this.violations()
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#ear?.close()
  }

  #judge(story: Story, task: Task): void {
    const verdict = judge(story, task, this.#excuses)
    if (story.starts(task) > 1) this.#counts.doubled += 1
    if (verdict.kind === 'excused') this.#counts.excused += 1
    if (verdict.kind === 'broken') {
      this.#counts.lost += 1
      this.#broken(verdict.sentence)
    }
    this.#compareWithAgent(task)
    for (const waiter of this.#waiting) {
      if (task.end?.state !== 'TASK_FINISHED' || !isOf(task, waiter.of)) continue
      this.#waiting.delete(waiter)
      waiter.resolve()
    }
  }

  /** What its framework was told, and what its agent was heard to say. */
  #compareWithAgent({ frameworkId, taskId, agentId, end }: Task): void {
    const said = this.#updates.endOf(agentId, frameworkId, taskId)
    if (end === undefined || said === undefined || said.state === end.state) return
    this.#broken(
      `I3: ${frameworkId}/${taskId} ended as ${said.state}, but its framework was told ${end.state}`,
    )
  }

  #judgeUnfinished(story: Story, task: Task): void {
    const starts = story.starts(task)
    const who = `${task.frameworkId}/${task.taskId}`
    if (isUnfinished(task)) {
      this.#counts.lost += 1
      this.#broken(`I3: ${who} was never told an end: ${task.last?.state ?? 'no status'}`)
    } else if (task.end === undefined && starts > 0) {
      this.#counts.lost += 1
      this.#broken(`I3: ${who} began, and its framework was told that it never did`)
    }
  }

  #lookAtMachine(nowMs: number): void {
    const running = this.#machine.tasks()
    const undead = new Set<string>()
    for (const { agentId, frameworkId, taskId } of running) {
      if (this.#stories.get(frameworkId)?.tasks.get(taskId)?.end === undefined) continue
      undead.add(`${frameworkId}/${taskId} at ${agentId}`)
    }
    this.#judgeUndead(undead, nowMs)
    for (const [agentId, all] of this.#usedBy(running)) {
      const over = exceeds(addUp(all), this.#totals.get(agentId))
      if (over !== undefined) this.#broken(`I1: ${agentId} runs ${over}`)
    }
  }

  #usedBy(running: readonly RunningTask[]): ReadonlyMap<string, readonly Amounts[]> {
    const used = new Map<string, Amounts[]>()
    for (const { agentId, frameworkId } of running) {
      const wanted = this.#resources.get(frameworkId)
      if (wanted !== undefined) used.set(agentId, [...(used.get(agentId) ?? []), wanted])
    }
    return used
  }

  #judgeUndead(undead: ReadonlySet<string>, nowMs: number): void {
    for (const who of this.#undead.keys()) if (!undead.has(who)) this.#undead.delete(who)
    for (const who of undead) {
      const sinceMs = this.#undead.get(who) ?? nowMs
      this.#undead.set(who, sinceMs)
      if (nowMs - sinceMs > GRACE_MS)
        this.#broken(`I4: ${who} still runs, though its framework was told that it is over`)
    }
  }

  #leftHere(): readonly string[] {
    return [
      ...this.#machine.tasks().map(({ taskId, pids }) => `${taskId} (${pids.join(', ')})`),
      ...this.#machine.cgroupsLeft().map((path) => `cgroup ${path}`),
    ]
  }
}

const isUnfinished = ({ end, wasRefused, wasGivenUp }: Task): boolean =>
  end === undefined && !wasRefused && !wasGivenUp

/** What its framework was told of a task that has not begun. */
function whyNever({ end, wasGivenUp }: Task): string {
  if (end === undefined) return wasGivenUp ? 'known to nobody' : 'unfinished'
  return end.reason === undefined ? end.state : `${end.state} ${end.reason}`
}

const isOf = (task: Task, { agentId, frameworkId, launchedSinceMs = 0 }: Of): boolean =>
  (agentId === undefined || task.agentId === agentId) &&
  (frameworkId === undefined || task.frameworkId === frameworkId) &&
  task.launchedAtMs >= launchedSinceMs
