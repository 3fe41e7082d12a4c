/** Agents that do not answer while instances may still run on them. */
import type { AgentId, TaskId } from '../../protocol/ids.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { isStopping } from './placing.ts'
import type { Effect, Instance, RunState } from './state.ts'

/**
 * An instance that may be started again is given up as lost when its agent has not answered for so
 * long since the leader called it unreachable. Long enough for a machine to boot or a cable to be
 * put back (its tasks are still there then, and nothing runs twice), short enough for a service
 * that is missed.
 */
export const SILENCE_MS_MAX = 5 * 60_000

/** The leader does not hear its agent; repeats change nothing until it is heard again. */
export function fallSilent(
  state: RunState,
  instance: Instance,
  { atMs, effects }: { readonly atMs: number; readonly effects: Effect[] },
): void {
  if (instance.silentAtMs !== undefined) return
  instance.silentAtMs = atMs
  instance.silences += 1
  const isReplaced = mayBeReplaced(state, instance)
  const { index, silences: silence } = instance
  if (isReplaced) effects.push({ do: 'end-silence-after', index, silence, delayMs: SILENCE_MS_MAX })
  const { agentId } = instance.view
  if (agentId === undefined || state.silentAgents.has(agentId)) return
  state.silentAgents.add(agentId)
  const silent = { agentId, taskIds: tasksOn(state, agentId) }
  effects.push({
    do: 'tell-silent',
    silent: isReplaced ? { ...silent, replacedMs: SILENCE_MS_MAX } : silent,
  })
}

/** Somebody has spoken of it again, or it was given up. */
export function breakSilence({ silentAgents }: RunState, instance: Instance): void {
  if (instance.silentAtMs === undefined) return
  instance.silentAtMs = undefined
  if (instance.view.agentId !== undefined) silentAgents.delete(instance.view.agentId)
}

export const mayBeReplaced = (state: RunState, { restarts }: Instance): boolean =>
  !isStopping(state) && restarts < state.plan.restart.restartsMax

const mayRun = ({ view: { state } }: Instance): boolean =>
  state !== 'waiting' && state !== 'restarting' && !isTerminal(state)

function tasksOn({ instances }: RunState, agentId: AgentId): readonly TaskId[] {
  return instances
    .filter((instance) => instance.view.agentId === agentId && mayRun(instance))
    .flatMap(({ view: { taskId } }) => taskId ?? [])
}

/** So many agents that have not answered are named. */
const NAMED_MAX = 5

/** Which agents were given instances that they never spoke of, in sentences. */
export function describeUnheard(unheard: readonly Instance[]): readonly string[] {
  const byAgent = new Map<AgentId, TaskId[]>()
  for (const { view } of unheard) {
    const { agentId, taskId } = view
    if (agentId === undefined || taskId === undefined) continue
    byAgent.set(agentId, [...(byAgent.get(agentId) ?? []), taskId])
  }
  return [...byAgent]
    .slice(0, NAMED_MAX)
    .map(
      ([agentId, taskIds]) => `agent ${agentId} was given ${namesOf(taskIds)} and does not answer`,
    )
}

/** `sh-0`, `sh-0 and 2 more`. */
export function namesOf([first = '', ...more]: readonly string[]): string {
  return more.length === 0 ? first : `${first} and ${more.length} more`
}
