/** One run: a world, its faults, the invariants, the outcome. */
import { systemClock } from '../../bus/clock.ts'
import type { AgentId } from '../../protocol/ids.ts'
import { FRAMEWORK_FAILOVER_MS } from '../../protocol/limits.ts'
import { Chance } from './chance.ts'
import { Checks } from './checks.ts'
import { checkEnd, hasGhosts } from './end-check.ts'
import { checkFree } from './free-check.ts'
import { Operator } from './operator.ts'
import { type ChanceName, Plan } from './plan.ts'
import { SharesCheck } from './shares.ts'
import { drawStrikes, type Strike } from './strikes.ts'
import { unwatch, watch } from './watch.ts'
import { World } from './world.ts'

/** What makes a run what it is. */
export interface Wanted {
  readonly seed: number
  readonly minutes: number
  /** Of the plan only the strikes with these numbers. Default: all. */
  readonly keep?: readonly number[]
  /** What may go wrong on the bus by chance. Default: all. */
  readonly chances?: readonly ChanceName[]
}

export interface Outcome extends Wanted {
  readonly isOk: boolean
  readonly violation?: {
    readonly invariant: string
    readonly what: string
    readonly atMs: number
    readonly trace: readonly string[]
  }
  /** What was to happen. */
  readonly strikes: readonly Strike[]
  /** Equal for equal runs. */
  readonly hash: string
  readonly steps: number
  /** How many tasks leaders ordered or frameworks heard of, and how many of them ran. */
  readonly tasks: number
  readonly started: number
  /** Changes of weights and quotas that were answered as done. */
  readonly changes: number
  readonly faults: Readonly<Record<string, number>>
  /** Of real time. */
  readonly tookMs: number
}

/** Faults stop after this part of the run, launches after that. */
const CALM_PART = 0.6
const QUIET_PART = 0.85
/** In so many of the runs everybody wants all in the calm. */
const FAIR_PART = 0.15
/** A violation is noticed this often. */
const SLICE_MS = 250
/** All must agree so long after the end at the latest. */
const PATIENCE_MS = 90_000
/**
 * A machine that lost its power may bring back a task of a framework that everybody else has
 * forgotten: it is torn down when nobody has claimed it for the failover time.
 */
const GHOSTS_MS_MAX = FRAMEWORK_FAILOVER_MS
const MINUTE_MS = 60_000
/** Longer than any filter of the frameworks here. */
const WATCHED_FREE_MS = 25_000
/** What nobody wants twice in a second waits for the next. */
const UNOFFERED_MS_MAX = 2_000

export interface RunOptions {
  /** The trace is kept, and told of these words; without any of what the violation is about. */
  readonly about?: readonly string[]
  /** Only what happens before is of interest. */
  readonly stopAtMs?: number
}

export async function runSeed(
  wanted: Wanted,
  { about, stopAtMs = Number.POSITIVE_INFINITY }: RunOptions = {},
): Promise<Outcome> {
  const begunMs = systemClock.now().monotonicMs
  const { seed, minutes, keep, chances } = wanted
  const untilMs = minutes * MINUTE_MS
  const world = new World({
    seed,
    isFair: new Chance(seed, 'fair').happens(FAIR_PART),
    calmFromMs: untilMs * CALM_PART,
    quietFromMs: untilMs * QUIET_PART,
    ...(about !== undefined && { about }),
  })
  const strikes = drawStrikes(seed, world.options.calmFromMs, world.nodes).filter(
    ({ index }) => keep?.includes(index) ?? true,
  )
  const operator = new Operator(world)
  const bury = (agentId: AgentId): Promise<void> => operator.bury(agentId)
  const plan = new Plan(world, { strikes, bury, ...(chances !== undefined && { chances }) })
  await perform(world, { plan, operator, untilMs, stopAtMs })
  return {
    ...wanted,
    isOk: world.violation === undefined,
    ...(world.violation !== undefined && { violation: world.violation }),
    strikes,
    hash: world.trace.hash,
    steps: world.trace.steps,
    ...tasksOf(world),
    changes: operator.counts.done,
    faults: faultsOf(world, plan),
    tookMs: Math.round(systemClock.now().monotonicMs - begunMs),
  }
}

interface Parts {
  readonly plan: Plan
  readonly operator: Operator
  readonly untilMs: number
  readonly stopAtMs: number
}

/** Until all is over, or something does not hold. */
async function perform(world: World, parts: Parts): Promise<void> {
  const { plan, operator, untilMs, stopAtMs } = parts
  const shares = new SharesCheck(world, operator)
  const fails = (error: unknown): void =>
    world.fail({ invariant: 'no actor fails', what: String((error as Error)?.stack), about: [] })
  watch(new Checks(world, operator))
  process.on('unhandledRejection', fails)
  try {
    for (const node of world.nodes) world.start(node)
    void operator.start()
    plan.begin()
    await runUntil(world, Math.min(untilMs, stopAtMs), () => shares.sample())
    if (stopAtMs < untilMs) return
    if (world.violation === undefined) shares.conclude()
    if (world.violation === undefined) await awaitAgreement(world, operator, untilMs)
  } catch (error) {
    fails(error)
  } finally {
    process.off('unhandledRejection', fails)
    unwatch()
  }
}

async function runUntil(world: World, untilMs: number, look?: () => void): Promise<void> {
  for (let atMs = world.nowMs; atMs < untilMs && world.violation === undefined; ) {
    atMs = Math.min(atMs + SLICE_MS, untilMs)
    await world.clock.runUntil(atMs)
    look?.()
  }
}

async function awaitAgreement(world: World, operator: Operator, untilMs: number): Promise<void> {
  let calmMs = untilMs
  const isPatient = (): boolean => {
    if (hasGhosts(world)) calmMs = Math.min(world.nowMs, untilMs + GHOSTS_MS_MAX)
    return world.nowMs < calmMs + PATIENCE_MS
  }
  // What is free for a moment is no problem when patience has an end: that is watched for.
  while ((checkEnd(world, operator) ?? checkFree(world)) !== undefined && isPatient()) {
    await runUntil(world, world.nowMs + 1_000)
    if (world.violation !== undefined) return
  }
  const problem = checkEnd(world, operator)
  if (problem !== undefined) world.fail(problem)
  else await watchFree(world)
}

/** Frameworks go on declining, for a while each time: after that it must be offered again. */
async function watchFree(world: World): Promise<void> {
  const untilMs = world.nowMs + WATCHED_FREE_MS
  let unofferedForMs = 0
  while (world.nowMs < untilMs && world.violation === undefined) {
    await runUntil(world, world.nowMs + SLICE_MS)
    const problem = checkFree(world)
    unofferedForMs = problem === undefined ? 0 : unofferedForMs + SLICE_MS
    if (problem !== undefined && unofferedForMs > UNOFFERED_MS_MAX) world.fail(problem)
  }
}

function tasksOf({ ledger }: World): { readonly tasks: number; readonly started: number } {
  const tasks = [...ledger.frameworks.values()].flatMap((framework) => [
    ...framework.tasks.values(),
  ])
  return { tasks: tasks.length, started: tasks.filter(({ starts }) => starts > 0).length }
}

function faultsOf({ system }: World, { counts }: Plan): Readonly<Record<string, number>> {
  const ofBus = Object.entries(system.faults.counts).map(([kind, count]) => [`bus ${kind}`, count])
  return Object.fromEntries([...counts, ...ofBus])
}
