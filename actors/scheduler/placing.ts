/**
 * Decides which of the tasks that wait go onto an offer, and for how long it is declined if none
 * does.
 */
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
/** So many of those that wait are looked at for one offer, the first ones. */
const LOOKED_AT_MAX = 10_000

export interface Placed {
  readonly task: WaitingTask
  /** See `Placement`. */
  readonly choice: number
}

export interface Placing {
  readonly placed: readonly Placed[]
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

/**
 * Takes what goes onto the offer out of those that wait. By order of the jobs; of one job what
 * prefers the place most comes first, and what has not waited long enough for better ones is passed
 * over. Whether it was started must be told: see `settle`.
 */
export function placeOn(state: QueueState, offer: OfferedPlace, nowMs: number): Placing {
  const seen = new SeenPlace(offer.place)
  const turn: PlacingTurn = { nowMs, room: new Room(offer.resources), passed: new Map() }
  const placed: Placed[] = []
  let looks = LOOKED_AT_MAX
  for (const job of state.jobs) {
    if (looks <= 0) break
    const ranked = rank(job, { seen, role: offer.role, looks })
    looks -= job.tasks.size
    for (const [choice, tasks] of ranked.entries())
      if (tasks !== undefined) placed.push(...placeRank(turn, job, { choice, tasks }))
  }
  beginStart(
    state,
    placed.map(({ task }) => task),
  )
  return { placed, ...refusalOf(state, turn, looks) }
}

interface PlacingTurn {
  readonly nowMs: number
  readonly room: Room
  /** Who would fit, but waits for better places: by what they want, how many and how long yet. */
  readonly passed: Map<Resources, { count: number; forMs: number }>
}

interface Rank {
  readonly choice: number
  readonly tasks: readonly WaitingTask[]
}

interface Look {
  readonly seen: SeenPlace
  readonly role: string
  /** So many are looked at. */
  readonly looks: number
}

/** The job's tasks by which of their preferences holds there. */
function rank({ tasks }: Job, { seen, role, looks }: Look): readonly WaitingTask[][] {
  const ranked: WaitingTask[][] = []
  let left = looks
  for (const task of tasks.values()) {
    if (left === 0) break
    left -= 1
    if (task.role !== undefined && task.role !== role) continue
    const choice = choiceAt(task.preferences, seen)
    ranked[choice] ??= []
    ranked[choice].push(task)
  }
  return ranked
}

function placeRank(turn: PlacingTurn, job: Job, { choice, tasks }: Rank): readonly Placed[] {
  const { nowMs, room, passed } = turn
  const placed: Placed[] = []
  for (const task of tasks) {
    if (!room.has(task)) continue
    const forMs = (task.preferences.waitsMs[choice] ?? 0) - waitedMs(job, nowMs)
    if (forMs <= 0) {
      if (room.take(task)) placed.push({ task, choice })
      continue
    }
    job.passedOverAtMs ??= nowMs
    const before = passed.get(task.resources)
    if (before === undefined) passed.set(task.resources, { count: 1, forMs })
    else {
      before.count += 1
      before.forMs = Math.min(before.forMs, forMs)
    }
  }
  beginAnew(job, placed, nowMs)
  return placed
}

const waitedMs = ({ passedOverAtMs }: Job, nowMs: number): number =>
  passedOverAtMs === undefined ? 0 : nowMs - passedOverAtMs

/** Whoever was started at one of its choices shows that the job's other ones can be. */
function beginAnew(job: Job, placed: readonly Placed[], nowMs: number): void {
  for (const { task, choice } of placed) {
    const { choices, waitsMs } = task.preferences
    if (choice >= choices.length || job.passedOverAtMs === undefined) continue
    const backMs = waitsMs[choice] ?? 0
    job.passedOverAtMs = choice === 0 ? undefined : Math.max(job.passedOverAtMs, nowMs - backMs)
  }
}

/** For how long what is left is of no use here, and why. */
function refusalOf(
  { jobs }: QueueState,
  { room, passed }: PlacingTurn,
  looks: number,
): Pick<Placing, 'refuseMs' | 'reason'> {
  if (room.isFull) return { refuseMs: 0, reason: 'one accept holds no more tasks' }
  if (jobs.length === 0) return { refuseMs: MISFIT_MS, reason: 'no task waits' }
  let count = 0
  let refuseMs = looks < 0 ? DECLINE_FILTER_MS : MISFIT_MS
  for (const [resources, one] of passed) {
    if (!room.fits(resources)) continue
    count += one.count
    refuseMs = Math.min(refuseMs, Math.ceil(one.forMs))
  }
  if (count === 0) return { refuseMs, reason: 'no task that waits fits' }
  const who = count === 1 ? '1 task prefers' : `${count} tasks prefer`
  return { refuseMs, reason: `${who} another agent, for ${refuseMs} ms more` }
}

/** What is left of an offer, and of the message that accepts it. */
class Room {
  #left: Resources
  #bytes = 2 * ENVELOPE_BYTES_MAX
  #tasks = 0
  /** It gets no larger: what did not fit once never will. */
  readonly #tooLarge = new Set<Resources>()
  /** Something was left out for the message's sake. */
  isFull = false

  constructor(resources: Resources) {
    this.#left = resources
  }

  fits(resources: Resources): boolean {
    if (this.#tooLarge.has(resources)) return false
    const isInside = containsResources(this.#left, resources)
    if (!isInside) this.#tooLarge.add(resources)
    return isInside
  }

  has({ resources }: WaitingTask): boolean {
    return !this.isFull && this.fits(resources)
  }

  take({ resources, bytes }: WaitingTask): boolean {
    this.isFull = this.#tasks === ACCEPT_TASKS_MAX || this.#bytes + bytes > ACCEPT_BYTES_MAX
    if (this.isFull) return false
    this.#tasks += 1
    this.#bytes += bytes
    this.#left = subtractResources(this.#left, resources) ?? this.#left
    return true
  }
}
