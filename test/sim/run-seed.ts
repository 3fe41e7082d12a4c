/** One run: a world, its faults, the invariants, the outcome. */
import { systemClock } from '../../bus/clock.ts'
import { FRAMEWORK_FAILOVER_MS } from '../../protocol/limits.ts'
import { AgentCheck } from './agent-check.ts'
import { checkEnd, checkFree, hasGhosts } from './end-check.ts'
import { LeaderCheck } from './leader-check.ts'
import { Operator } from './operator.ts'
import { Plan } from './plan.ts'
import { type Step, unwatch, watch } from './watch.ts'
import { World } from './world.ts'

export interface Outcome {
  readonly seed: number
  readonly minutes: number
  readonly isOk: boolean
  readonly violation?: {
    readonly invariant: string
    readonly what: string
    readonly atMs: number
    readonly trace: readonly string[]
  }
  /** Equal for equal runs. */
  readonly hash: string
  readonly steps: number
  /** How many tasks frameworks here ever heard of, and how many of them ran. */
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
/** A violation is noticed this often. */
const SLICE_MS = 250
/** All must agree so long after the end at the latest. */
const PATIENCE_MS = 90_000
/**
 * A machine that lost its power may bring back a task of a framework that everybody else has
 * forgotten: it is torn down when nobody has claimed it for the failover time.
 */
const PATIENCE_WITH_GHOSTS_MS = FRAMEWORK_FAILOVER_MS + PATIENCE_MS
const MINUTE_MS = 60_000
/** Longer than any filter of the frameworks here. */
const WATCHED_FREE_MS = 25_000
/** What nobody wants twice in a second waits for the next. */
const UNOFFERED_MS_MAX = 2_000
const STEPS_AT_ONCE_MAX = 100_000

/** A run that fails is done again, to tell how it came to that: of `about`, or of what failed. */
export async function runSeed(
  seed: number,
  minutes: number,
  about?: readonly string[],
): Promise<Outcome> {
  const outcome = await run(seed, { minutes })
  return outcome.isOk ? outcome : run(seed, { minutes, about: about ?? [] })
}

interface RunOptions {
  readonly minutes: number
  /**
   * The trace is kept, and told of these words; of what the violation is about if there are none.
   */
  readonly about?: readonly string[]
}

async function run(seed: number, { minutes, about }: RunOptions): Promise<Outcome> {
  const begunMs = systemClock.now().monotonicMs
  const untilMs = minutes * MINUTE_MS
  const world = new World({
    seed,
    calmFromMs: untilMs * CALM_PART,
    quietFromMs: untilMs * QUIET_PART,
    ...(about !== undefined && { about }),
  })
  const plan = new Plan(world)
  const operator = new Operator(world)
  const leaders = new LeaderCheck(world)
  const agents = new AgentCheck(world)
  const guard = new SpinGuard()
  watch({
    step(step) {
      guard.step(step)
      world.trace.step(step.process, {
        atMs: step.now.monotonicMs,
        input: step.input,
        effects: step.effects,
      })
      const kind = world.nodeOf(step.process)?.kind
      if (kind === 'master') leaders.step(step)
      else if (kind === 'agent') agents.step(step)
    },
    failed: (process, error) => world.failed(process, error),
  })
  const onRejection = (error: unknown): void =>
    world.fail({ invariant: 'no actor fails', what: String((error as Error)?.stack), about: [] })
  process.on('unhandledRejection', onRejection)
  try {
    for (const node of world.nodes) world.start(node)
    void operator.start()
    plan.begin()
    await runUntil(world, untilMs)
    if (world.violation === undefined) await awaitAgreement(world, operator, untilMs)
  } catch (error) {
    world.fail({ invariant: 'no actor fails', what: String((error as Error)?.stack), about: [] })
  } finally {
    process.off('unhandledRejection', onRejection)
    unwatch()
  }
  return {
    seed,
    minutes,
    isOk: world.violation === undefined,
    ...(world.violation !== undefined && { violation: world.violation }),
    hash: world.trace.hash,
    steps: world.trace.steps,
    ...tasksOf(world),
    changes: operator.counts.done,
    faults: faultsOf(world, plan),
    tookMs: Math.round(systemClock.now().monotonicMs - begunMs),
  }
}

/**
 * An actor that asks to be woken at once, again and again, would stop the time of the whole world.
 */
class SpinGuard {
  #atMs = 0
  #steps = 0

  step({ now, process, input }: Step): void {
    if (now.monotonicMs !== this.#atMs) {
      this.#atMs = now.monotonicMs
      this.#steps = 0
    }
    this.#steps += 1
    if (this.#steps < STEPS_AT_ONCE_MAX) return
    throw new Error(`time stands still: ${process.name} is given ${input.kind} again and again`)
  }
}

async function runUntil(world: World, untilMs: number): Promise<void> {
  for (let atMs = world.nowMs; atMs < untilMs && world.violation === undefined; ) {
    atMs = Math.min(atMs + SLICE_MS, untilMs)
    await world.clock.runUntil(atMs)
  }
}

async function awaitAgreement(world: World, operator: Operator, untilMs: number): Promise<void> {
  let problem = checkEnd(world, operator)
  const isPatient = (): boolean =>
    world.nowMs < untilMs + (hasGhosts(world) ? PATIENCE_WITH_GHOSTS_MS : PATIENCE_MS)
  while (problem !== undefined && isPatient()) {
    await runUntil(world, world.nowMs + 1_000)
    if (world.violation !== undefined) return
    problem = checkEnd(world, operator)
  }
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
