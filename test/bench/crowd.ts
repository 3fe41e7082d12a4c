/**
 * Frameworks that launch tasks when they come up, not when there is room: whoever is offered
 * something keeps it until there is a task for it, or until it is taken back.
 */
import { randomUUID } from 'node:crypto'
import {
  isTerminal,
  type Offered,
  openScheduler,
  type Scheduler,
  type TaskStatus,
} from '../../actors/scheduler/scheduler.ts'
import { serveParent } from './child.ts'

export interface CrowdStart {
  readonly nats: string
  readonly frameworks: number
  /** What each task takes. */
  readonly resources: Readonly<Record<string, number>>
}

export type CrowdAsk =
  /** Answered when so many more tasks run, each for what `runs` says. */
  | { readonly ask: 'fill'; readonly tasks: number; readonly runs: Runs }
  /** From now on so many a second. */
  | { readonly ask: 'flow'; readonly perS: number; readonly runs: Runs }
  /** No more offers are wanted, and what is held is given back. */
  | { readonly ask: 'rest' }
  /** No more tasks: answered when all have ended. */
  | { readonly ask: 'drain' }
  | { readonly ask: 'look' }

/** How long tasks run: normally distributed, within three deviations. Or for ever. */
export type Runs =
  | { readonly meanMs: number; readonly sdMs: number; readonly isUnderWay?: boolean }
  | 'for ever'

/** Of all frameworks, since the start. */
export interface CrowdAnswer {
  readonly wanted: number
  readonly launched: number
  readonly running: number
  readonly finished: number
  readonly endedOtherwise: number
  /** Launches that came too late for their offer: tried again, and not counted else. */
  readonly dropped: number
  /** Second ends of a task, and words of tasks that nobody launched. */
  readonly strange: number
}

const TICK_MS = 10
/** All at once, what frameworks say would be more than a leader can read before it is cut off. */
const FILL_PER_S = 4_000
const start = JSON.parse(process.argv[2] ?? '{}') as CrowdStart
const tally = {
  wanted: 0,
  launched: 0,
  running: 0,
  finished: 0,
  endedOtherwise: 0,
  dropped: 0,
  strange: 0,
}
let onChange: () => void = () => undefined

class Member {
  readonly #scheduler: Scheduler
  /** How long each runs. */
  readonly #alive = new Map<string, number>()
  readonly #running = new Set<string>()
  /** How long tasks are to run that have no offer yet. */
  #waiting: number[] = []
  #isResting = false
  #onWish: () => void = () => undefined

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
    scheduler.onStatus((status) => this.#hear(status))
    void this.#place()
  }

  want(runMs: number): void {
    tally.wanted += 1
    this.#waiting.push(runMs)
    this.#onWish()
    if (!this.#isResting) return
    this.#isResting = false
    void this.#place()
  }

  begin(): void {
    this.#scheduler.revive()
  }

  /** The library says so for whoever has stopped to iterate. */
  rest(): void {
    this.#isResting = true
    this.#onWish()
  }

  close(): Promise<void> {
    return this.#scheduler.close()
  }

  async #place(): Promise<void> {
    for await (const offer of this.#scheduler.offers()) {
      while (this.#waiting.length === 0 && !this.#isResting) await this.#wish()
      if (this.#isResting) return void offer.decline('nothing to launch')
      const count = Math.min(this.#waiting.length, offer.roomFor(start.resources))
      if (offer.isLive) void this.#accept(offer, this.#waiting.splice(0, count))
    }
  }

  #wish(): Promise<void> {
    return new Promise((resolve) => {
      this.#onWish = resolve
    })
  }

  async #accept(offer: Offered, runsMs: readonly number[]): Promise<void> {
    const wishes = runsMs.map((runMs) => ({
      taskId: randomUUID(),
      command: ['true'],
      env: { PRETEND_MS: String(runMs) },
      resources: start.resources,
    }))
    for (const [i, { taskId }] of wishes.entries()) this.#alive.set(taskId, runsMs[i] ?? 0)
    tally.launched += wishes.length
    const accepted = await offer.accept(wishes, { refuseMs: 0 })
    if (accepted.outcome !== 'refused') return
    // It was taken back meanwhile.
    tally.launched -= wishes.length
    for (const { taskId } of wishes) this.#alive.delete(taskId)
    this.#waiting.push(...runsMs)
    this.#onWish()
  }

  #hear({ taskId, state }: TaskStatus): void {
    if (!this.#alive.has(taskId)) tally.strange += 1
    else if (state === 'TASK_DROPPED') this.#launchAgain(taskId)
    else if (isTerminal(state)) this.#end(taskId, state === 'TASK_FINISHED')
    else if (state === 'TASK_RUNNING' && !this.#running.has(taskId)) {
      this.#running.add(taskId)
      tally.running += 1
    }
    onChange()
  }

  /** Its offer was taken back while the accept was on its way. */
  #launchAgain(taskId: string): void {
    const runMs = this.#alive.get(taskId) ?? 0
    this.#alive.delete(taskId)
    tally.launched -= 1
    tally.dropped += 1
    this.#waiting.push(runMs)
    this.#onWish()
  }

  #end(taskId: string, isFinished: boolean): void {
    this.#alive.delete(taskId)
    if (this.#running.delete(taskId)) tally.running -= 1
    tally[isFinished ? 'finished' : 'endedOtherwise'] += 1
  }
}

const members = await Promise.all(
  Array.from({ length: start.frameworks }, async (_, i) => {
    const name = `crowd-${i + 1}`
    const of = { name, frameworkId: name, nats: start.nats }
    return new Member(await openScheduler({ ...of, suppressed: true }))
  }),
)
// All at once: the first one would be offered the whole cluster.
for (const member of members) member.begin()

let nextMember = 0
function want(runs: Runs): void {
  const member = members[nextMember] as Member
  nextMember = (nextMember + 1) % members.length
  member.want(runMsOf(runs))
}

function runMsOf(runs: Runs): number {
  if (runs === 'for ever') return Number.POSITIVE_INFINITY
  const { meanMs, sdMs, isUnderWay = false } = runs
  const angle = 2 * Math.PI * Math.random()
  const deviation = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(angle)
  const runMs = Math.max(0, meanMs + sdMs * Math.max(-3, Math.min(3, deviation)))
  return Math.round(isUnderWay ? runMs * Math.random() : runMs)
}

let flow: NodeJS.Timeout | undefined

/** Resolves when `tasks` have come up. */
function startFlow(perS: number, runs: Runs, tasks = Number.POSITIVE_INFINITY): Promise<void> {
  const startedAtMs = performance.now()
  let sent = 0
  return new Promise((resolve) => {
    flow = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAtMs) / 1_000) * perS)
      for (; sent < Math.min(due, tasks); sent++) want(runs)
      if (sent < tasks) return
      clearInterval(flow)
      resolve()
    }, TICK_MS)
  })
}

/** Resolves when `isDone`, which is asked whenever something has changed. */
function until(isDone: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    onChange = () => {
      if (isDone()) resolve()
    }
    onChange()
  })
}

async function answer(ask: CrowdAsk): Promise<CrowdAnswer> {
  if (ask.ask === 'fill') {
    const runningBefore = tally.running
    await startFlow(FILL_PER_S, ask.runs, ask.tasks)
    if (ask.runs === 'for ever') await until(() => tally.running === runningBefore + ask.tasks)
    else await until(() => tally.launched === tally.wanted)
  } else if (ask.ask === 'flow') void startFlow(ask.perS, ask.runs)
  else if (ask.ask === 'rest') for (const member of members) member.rest()
  else if (ask.ask === 'drain') {
    clearInterval(flow)
    await until(() => tally.finished + tally.endedOtherwise === tally.wanted)
  }
  return { ...tally }
}

serveParent<CrowdAsk, CrowdAnswer>(answer, async () => {
  for (const member of members) await member.close()
})
