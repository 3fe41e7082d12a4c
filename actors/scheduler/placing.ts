/**
 * Decides which of the tasks that wait go onto an offer, and for how long it is declined if none
 * does.
 */
import type { TaskId } from '../../protocol/ids.ts'
import {
  ACCEPT_BYTES_MAX,
  ACCEPT_TASKS_MAX,
  DECLINE_FILTER_MS,
  ENVELOPE_BYTES_MAX,
} from '../../protocol/limits.ts'
import { containsResources, type Resources, subtractResources } from '../../protocol/resources.ts'
import { choiceAt, type Place, SeenPlace } from './preferences.ts'
import { beginStart, type Job, type QueueState, type WaitingTask } from './queue.ts'

/** What does not fit now comes back when more of it is free: the leader sees to that. */
const MISFIT_MS = 60_000
/** Of the tasks that fit an offer so many are looked at: the first ones. */
const CANDIDATES_MAX = 1_000

export interface Placed {
  readonly task: WaitingTask
  /** See `Placement`. */
  readonly choice: number
}

export interface Placing {
  readonly placed: readonly Placed[]
  /** Fit, but by now others are there under their ids. */
  readonly inUse: readonly WaitingTask[]
  /** The offer, or what is left of it, is of use to nobody here for so long. */
  readonly refuseMs: number
  /** Why. */
  readonly reason: string
}

export interface OfferedPlace {
  readonly place: Place
  readonly role: string
  readonly resources: Resources
}

export interface Now {
  /** Monotonic. */
  readonly nowMs: number
  /** A task of that id was started, and has not ended. */
  readonly holds: (taskId: TaskId) => boolean
}

/**
 * Takes what goes onto the offer out of those that wait. By order of the jobs; of one job what
 * prefers the place most comes first, and what has not waited long enough for better ones is passed
 * over. Whether it was started must be told: see `settle`. What would go there, were its id not in
 * use, is taken out as well, and must be settled, too.
 */
export function placeOn(state: QueueState, offer: OfferedPlace, { nowMs, holds }: Now): Placing {
  const room = new Room(offer.resources)
  const placed: Placed[] = []
  const inUse: WaitingTask[] = []
  const passed: Placed[] = []
  for (const one of candidates(state, offer, room)) {
    if (room.isFull) break
    const { task } = one
    if (!room.fits(task)) continue
    if (holds(task.taskId)) {
      beginStart(state, task)
      inUse.push(task)
    } else if (waitMs(one, nowMs) > 0) {
      task.job.waitsSinceMs ??= nowMs
      passed.push(one)
    } else if (room.take(task)) {
      beginStart(state, task)
      placed.push(one)
      waitAnew(one, nowMs)
    }
  }
  return { placed, inUse, ...refusalOf({ state, room, passed, nowMs }) }
}

/** Those that fit the offer now, in the order in which it is for them. */
function* candidates(
  { waiting }: QueueState,
  { place, role }: OfferedPlace,
  room: Room,
): Generator<Placed> {
  const seen = new SeenPlace(place)
  let ofJob = new OfJob()
  let job: Job | undefined
  let count = 0
  for (const task of waiting.values()) {
    if ((task.role ?? role) !== role || !room.fits(task)) continue
    count += 1
    if (count > CANDIDATES_MAX) break
    if (task.job !== job) {
      yield* ofJob.inOrder()
      ofJob = new OfJob()
      job = task.job
    }
    ofJob.add(task, seen)
  }
  yield* ofJob.inOrder()
}

/** The candidates of one job. */
class OfJob {
  readonly #byChoice: Placed[][] = []
  readonly #others: Placed[] = []

  add(task: WaitingTask, seen: SeenPlace): void {
    const { choices } = task
    const choice = choiceAt(choices, seen)
    if (choice === choices.length) this.#others.push({ task, choice })
    else (this.#byChoice[choice] ??= []).push({ task, choice })
  }

  /** First those that prefer the place most, last those that do not. */
  *inOrder(): Generator<Placed> {
    for (const some of this.#byChoice) yield* some ?? []
    yield* this.#others
  }
}

/** How long it still waits before this choice counts; 0 or less: it does. */
const waitMs = ({ task: { job, waitsMs }, choice }: Placed, nowMs: number): number =>
  (waitsMs[choice] ?? 0) - (nowMs - (job.waitsSinceMs ?? nowMs))

/** Whoever is started at one of its choices shows that the job's other ones can be. */
function waitAnew({ task: { job, choices, waitsMs }, choice }: Placed, nowMs: number): void {
  if (choice === choices.length || job.waitsSinceMs === undefined) return
  job.waitsSinceMs = Math.max(job.waitsSinceMs, nowMs - (waitsMs[choice] ?? 0))
}

interface Rest {
  readonly state: QueueState
  readonly room: Room
  /** Would have fitted, but waits for better places. */
  readonly passed: readonly Placed[]
  readonly nowMs: number
}

/** For how long what is left is of no use here, and why. */
function refusalOf({ state, room, passed, nowMs }: Rest): Omit<Placing, 'placed' | 'inUse'> {
  const { size } = state.waiting
  if (room.isFull) return { refuseMs: 0, reason: 'one accept holds no more tasks' }
  if (size === 0) return { refuseMs: MISFIT_MS, reason: 'no task waits' }
  const waits = passed
    .filter(({ task }) => room.fits(task))
    .map((one) => Math.ceil(waitMs(one, nowMs)))
  const refuseMs = waits.reduce(
    (least, one) => Math.min(least, one),
    size > CANDIDATES_MAX ? DECLINE_FILTER_MS : MISFIT_MS,
  )
  if (waits.length === 0) return { refuseMs, reason: 'no task that waits fits' }
  const who = waits.length === 1 ? '1 task prefers' : `${waits.length} tasks prefer`
  return { refuseMs, reason: `${who} another agent, for ${refuseMs} ms more` }
}

/** What is left of an offer, and of the message that accepts it. */
class Room {
  #left: Resources
  #bytes = 2 * ENVELOPE_BYTES_MAX
  #tasks = 0
  /** Something was left out for the message's sake. */
  isFull = false

  constructor(resources: Resources) {
    this.#left = resources
  }

  fits({ resources }: WaitingTask): boolean {
    return containsResources(this.#left, resources)
  }

  /** It fits; false: the message holds no more. */
  take({ resources, bytes }: WaitingTask): boolean {
    this.isFull = this.#tasks === ACCEPT_TASKS_MAX || this.#bytes + bytes > ACCEPT_BYTES_MAX
    if (this.isFull) return false
    this.#tasks += 1
    this.#bytes += bytes
    this.#left = subtractResources(this.#left, resources) ?? this.#left
    return true
  }
}
