/** All that is looked at after each step of each actor. */
import type { MasterState } from '../../actors/master/state.ts'
import { AgentCheck } from './agent-check.ts'
import { Awake } from './awake.ts'
import { FailoverCheck } from './failover-check.ts'
import { FenceCheck } from './fence-check.ts'
import { LeaderCheck } from './leader-check.ts'
import type { Operator } from './operator.ts'
import type { Process } from './process.ts'
import type { Call } from './promises.ts'
import type { Step, Watcher } from './watch.ts'
import type { World } from './world.ts'

const STEPS_AT_ONCE_MAX = 100_000
/** What an operator was told is compared this often. */
const PROMISES_EVERY_MS = 500

export class Checks implements Watcher {
  readonly #world: World
  readonly #operator: Operator
  readonly #leaders: LeaderCheck
  readonly #agents: AgentCheck
  readonly #fences: FenceCheck
  readonly #failovers: FailoverCheck
  readonly #awake = new Awake()
  readonly #guard = new SpinGuard()
  #promisesAtMs = 0

  constructor(world: World, operator: Operator) {
    this.#world = world
    this.#operator = operator
    this.#leaders = new LeaderCheck(world, this.#awake)
    this.#agents = new AgentCheck(world)
    this.#fences = new FenceCheck(world)
    this.#failovers = new FailoverCheck(world, this.#awake)
    world.onSaid = (...said) => this.#agents.said(...said)
  }

  before(_process: Process, state: object, input: Step['input']): void {
    this.#fences.before(state, input)
  }

  step(step: Step): void {
    const world = this.#world
    this.#guard.step(step, world.nowMs)
    world.trace.step(step.process, {
      atMs: world.nowMs,
      input: step.input,
      effects: step.effects,
    })
    const kind = world.nodeOf(step.process)?.kind
    if (kind === 'master') {
      this.#fences.master(step)
      const isNewest = this.#fences.isNewest(step.state as MasterState)
      if (isNewest) {
        const state = step.state as MasterState
        world.ledger.epoch = state.leader?.epoch ?? world.ledger.epoch
        this.#awake.step(state, world.nowMs)
        this.#failovers.master(step)
      }
      this.#leaders.step(step, isNewest)
      if (step.input.kind === 'operator-call') {
        const { call } = step.input as unknown as { readonly call: Call }
        this.#operator.promises.heard(call, world.nowMs)
      }
      this.#promises(step.state as MasterState)
    } else if (kind === 'agent') {
      this.#agents.step(step)
      this.#fences.agent(step)
    } else if (kind === 'framework') this.#fences.framework(step)
  }

  failed(process: Process, error: unknown): void {
    this.#world.failed(process, error)
  }

  #promises(master: MasterState): void {
    const { nowMs } = this.#world
    if (nowMs < this.#promisesAtMs || !this.#fences.isNewest(master)) return
    this.#promisesAtMs = nowMs + PROMISES_EVERY_MS
    this.#operator.promises.check(this.#world, master)
  }
}

/**
 * An actor that asks to be woken at once, again and again, would stop the time of the whole world.
 */
class SpinGuard {
  #atMs = 0
  #steps = 0

  step({ process, input }: Step, nowMs: number): void {
    if (nowMs !== this.#atMs) {
      this.#atMs = nowMs
      this.#steps = 0
    }
    this.#steps += 1
    if (this.#steps < STEPS_AT_ONCE_MAX) return
    throw new Error(`time stands still: ${process.name} is given ${input.kind} again and again`)
  }
}
