/** What agents have in their checkpoints: ends that a framework must hear of. */
import type { Effect } from '../../actors/agent/effects.ts'
import type { AgentRecord } from '../../actors/agent/records.ts'
import type { AgentState } from '../../actors/agent/state.ts'
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
    this.#world.ledger.ended(
      { framework: { principal, frameworkId }, taskId, launch, agentId: state.profile.agentId },
      status.state,
    )
  }
}
