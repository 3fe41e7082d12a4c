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
import type { Job, Kind, WaitingTask } from './job.ts'
import { type Place, SeenPlace } from './preferences.ts'
import { beginStart, dropEmpty, type QueueState } from './queue.ts'

/** What does not fit now comes back when more of it is free: the leader sees to that. */
const MISFIT_MS = 60_000
/** So many jobs, and tasks that go anywhere, are looked at for one offer: the first ones. */
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
  const turn: PlacingTurn = {
    state,
    nowMs,
    role: offer.role,
    seen: new SeenPlace(offer.place),
    room: new Room(offer.resources),
    placed: [],
    passed: new Map(),
    looks: LOOKED_AT_MAX,
  }
  for (const job of state.jobs) {
    if (turn.looks <= 0 || turn.room.isFull) break
    turn.looks -= 1
    placeJob(turn, job)
  }
  dropEmpty(state)
  return { placed: turn.placed, ...refusalOf(turn) }
}

interface PlacingTurn {
  readonly state: QueueState
  readonly nowMs: number
  readonly role: string
  readonly seen: SeenPlace
  readonly room: Room
  readonly placed: Placed[]
  /** Who would fit, but waits for better places: how many, and how long yet. */
  readonly passed: Map<Kind, Passed>
  /** So many more jobs and tasks are looked at. */
  looks: number
}

interface Passed {
  count: number
  forMs: number
}

function placeJob(turn: PlacingTurn, job: Job): void {
  const nearMs = placeNear(turn, job)
  let willing: Set<Kind> | undefined
  for (const [kind] of job.kinds()) {
    if (anywhereMs(kind) > waitedMs(job, turn.nowMs) || !suits(turn, kind)) continue
    willing ??= new Set()
    willing.add(kind)
  }
  if (willing !== undefined) placeAnywhere(turn, job, willing)
  passOver(turn, job, nearMs)
}

/** Gives how long those wait yet whose second choice it is, or a later one. */
function placeNear(turn: PlacingTurn, job: Job): ReadonlyMap<Kind, number> | undefined {
  const near = job.near(turn.seen)
  if (near === undefined) return undefined
  const nearMs = new Map<Kind, number>()
  for (const [choice, tasks] of near.entries()) {
    for (const task of tasks ?? []) {
      const { kind } = task
      if (!suits(turn, kind)) continue
      const forMs = (kind.waitsMs[choice] ?? 0) - waitedMs(job, turn.nowMs)
      if (forMs <= 0) place(turn, { task, choice })
      else nearMs.set(kind, forMs)
    }
  }
  return nearMs
}

/** It is of the right role, and fits. */
const suits = ({ role, room }: PlacingTurn, kind: Kind): boolean =>
  (kind.role === undefined || kind.role === role) && room.fits(kind)

const anywhereMs = ({ waitsMs }: Kind): number => waitsMs.at(-1) ?? 0

/** Those that take any place, in order, until there is no room for any. */
function placeAnywhere(turn: PlacingTurn, job: Job, willing: Set<Kind>): void {
  for (const task of job.tasks()) {
    turn.looks -= 1
    if (willing.size === 0 || turn.looks < 0) return
    if (!willing.has(task.kind)) continue
    if (turn.room.fits(task.kind)) place(turn, { task, choice: task.choices.length })
    else willing.delete(task.kind)
  }
}

function place(turn: PlacingTurn, placed: Placed): void {
  const { task } = placed
  if (!turn.room.take(task)) return
  beginStart(turn.state, task)
  turn.placed.push(placed)
  beginAnew(placed, turn.nowMs)
}

/** What is left, and would fit, waits for a better place. */
function passOver(turn: PlacingTurn, job: Job, nearMs: ReadonlyMap<Kind, number> | undefined) {
  const { nowMs, room, passed } = turn
  if (room.isFull) return
  for (const [kind, count] of job.kinds()) {
    if (!suits(turn, kind)) continue
    const waitMs = anywhereMs(kind) - waitedMs(job, nowMs)
    // Those that were not looked at.
    if (waitMs <= 0) continue
    job.passedOverAtMs ??= nowMs
    const before = passed.get(kind)
    const forMs = Math.min(waitMs, nearMs?.get(kind) ?? waitMs)
    if (before === undefined) passed.set(kind, { count, forMs })
    else {
      before.count += count
      before.forMs = Math.min(before.forMs, forMs)
    }
  }
}

const waitedMs = ({ passedOverAtMs }: Job, nowMs: number): number =>
  passedOverAtMs === undefined ? 0 : nowMs - passedOverAtMs

/** Whoever was started at one of its choices shows that the job's other ones can be. */
function beginAnew({ task, choice }: Placed, nowMs: number): void {
  const { job, kind, choices } = task
  if (choice >= choices.length || job.passedOverAtMs === undefined) return
  const backMs = kind.waitsMs[choice] ?? 0
  job.passedOverAtMs = choice === 0 ? undefined : Math.max(job.passedOverAtMs, nowMs - backMs)
}

/** For how long what is left is of no use here, and why. */
function refusalOf(turn: PlacingTurn): Pick<Placing, 'refuseMs' | 'reason'> {
  const { state, room, passed, looks } = turn
  if (room.isFull) return { refuseMs: 0, reason: 'one accept holds no more tasks' }
  if (state.jobs.length === 0) return { refuseMs: MISFIT_MS, reason: 'no task waits' }
  let count = 0
  let refuseMs = looks < 0 ? DECLINE_FILTER_MS : MISFIT_MS
  for (const [kind, one] of passed) {
    if (!room.fits(kind)) continue
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

  fits({ resources }: Kind): boolean {
    if (this.#tooLarge.has(resources)) return false
    const isInside = containsResources(this.#left, resources)
    if (!isInside) this.#tooLarge.add(resources)
    return isInside
  }

  /** It fits; false: the message holds no more. */
  take({ kind: { resources }, bytes }: WaitingTask): boolean {
    if (this.isFull) return false
    this.isFull = this.#tasks === ACCEPT_TASKS_MAX || this.#bytes + bytes > ACCEPT_BYTES_MAX
    if (this.isFull) return false
    this.#tasks += 1
    this.#bytes += bytes
    this.#left = subtractResources(this.#left, resources) ?? this.#left
    return true
  }
}
