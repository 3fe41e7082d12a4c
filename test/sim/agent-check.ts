/**
 * What agents have in their checkpoints: ends that a framework must hear of, and which end the rest
 * of a group. Nothing is said before it is written.
 */
import assert from 'node:assert/strict'
import type { Effect } from '../../actors/agent/effects.ts'
import type { AgentRecord, StatusBody } from '../../actors/agent/records.ts'
import { type AgentState, stateOf, type Task } from '../../actors/agent/state.ts'
import { decode } from '../../bus/codec.ts'
import type { Launch } from '../../protocol/ids.ts'
import type { StatusUpdates } from '../../protocol/schema/scheduler.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import type { Process } from './process.ts'
import type { Step } from './watch.ts'
import type { World } from './world.ts'

export class AgentCheck {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  step({ process, state, effects }: Step): void {
    // What recovery found out stands only in the log that is written anew.
    for (const effect of effects as readonly Effect[])
      if (effect.do === 'checkpoint' || effect.do === 'compact')
        for (const record of effect.records) this.#decided(process, state as AgentState, record)
  }

  /** Something is published by an agent. What never was launched may be told without a record. */
  said(process: Process, subject: string, payload: Uint8Array): void {
    if (process.unwritten.length === 0 || !subject.includes('.update.')) return
    const update = decode(payload)
    assert(update.ok)
    const { statuses } = update.value as StatusUpdates
    if (statuses.every(({ reason }) => reason === 'CHECKPOINT_FAILED')) return
    const { name = process.name } = this.#world.nodeOf(process) ?? {}
    this.#world.fail({
      invariant: '6.1: on disk before it is published',
      what: `${name} publishes on ${subject} while its checkpoint is not written`,
      about: [name],
    })
  }

  #decided(process: Process, state: AgentState, record: AgentRecord): void {
    if (record.kind !== 'status') return
    const { launch, status } = record
    this.#fits(state, launch, status)
    const task = state.tasks.get(launch)
    if (task === undefined || task.framework.isOver) return
    const { principal, frameworkId } = task.framework
    const { taskId, group } = task
    const { agentId } = state.profile
    if (!isTerminal(status.state)) return void process.unwritten.push(() => undefined)
    if (group !== undefined && status.state !== 'TASK_FINISHED') this.#groupEnds(state, task)
    process.unwritten.push(() =>
      this.#world.ledger.ended(
        { framework: { principal, frameworkId }, taskId, launch, agentId },
        status.state,
      ),
    )
  }

  /**
   * A leader gives away only what is free, and no resources change here: an agent that has to
   * refuse what is too much for it was given something twice.
   */
  #fits({ profile, tasks }: AgentState, launch: Launch, { reason, message }: StatusBody): void {
    if (reason !== 'INVALID_OFFERS') return
    const { agentId } = profile
    const { taskId = launch } = tasks.get(launch) ?? {}
    this.#world.fail({
      invariant: '1: nothing is allocated twice',
      what: `${agentId} refuses ${taskId}: ${message}`,
      about: [taskId, agentId],
    })
  }

  /** In the same turn: whoever looks later finds nobody of the group that just runs on. */
  #groupEnds({ groups, profile }: AgentState, { group, taskId }: Task): void {
    for (const other of (group && groups.get(group)) ?? []) {
      const isDying = other.killedWithMs !== undefined || isTerminal(stateOf(other))
      if (isDying) continue
      const what = `${other.taskId} runs on at ${profile.agentId}, ${taskId} of its group has ended`
      this.#world.fail({ invariant: 'a group ends as one', what, about: [taskId, other.taskId] })
    }
  }
}
