/**
 * What agents have in their checkpoints: ends that a framework must hear of, and which end the rest
 * of a group.
 */
import type { Effect } from '../../actors/agent/effects.ts'
import type { AgentRecord } from '../../actors/agent/records.ts'
import { type AgentState, stateOf, type Task } from '../../actors/agent/state.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import type { Step } from './watch.ts'
import type { World } from './world.ts'

export class AgentCheck {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  step({ state, effects }: Step): void {
    // What recovery found out stands only in the log that is written anew.
    for (const effect of effects as readonly Effect[])
      if (effect.do === 'checkpoint' || effect.do === 'compact')
        for (const record of effect.records) this.#recorded(state as AgentState, record)
  }

  #recorded(state: AgentState, record: AgentRecord): void {
    if (record.kind !== 'status' || !isTerminal(record.status.state)) return
    const { launch, status } = record
    const task = state.tasks.get(launch)
    if (task === undefined || task.framework.isOver) return
    const { principal, frameworkId } = task.framework
    const { taskId } = task
    if (task.group !== undefined && status.state !== 'TASK_FINISHED') this.#groupEnds(state, task)
    this.#world.ledger.ended(
      { framework: { principal, frameworkId }, taskId, launch, agentId: state.profile.agentId },
      status.state,
    )
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
