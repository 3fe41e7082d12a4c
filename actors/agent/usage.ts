/** What tasks use: counted when the leader asks, and told to whoever listens. */
import type { SendUsage } from '../../protocol/schema/agent.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import type { Effect, UsageAsked } from './effects.ts'
import { findFramework } from './held.ts'
import type { UsageRead } from './inputs.ts'
import { type AgentState, keyOf, stateOf } from './state.ts'

export function sendUsage(state: AgentState, order: SendUsage): readonly Effect[] {
  const { taskId, request } = order
  const to = keyOf(order)
  const launches = findFramework(state, order)?.launches.get(taskId) ?? []
  const task = launches.findLast((one) => !isTerminal(stateOf(one)))
  if (task === undefined) return [answer({ to, message: { taskId, request } }, undefined)]
  const asked: UsageAsked = { to, message: { taskId, request, launch: task.launch } }
  return [{ do: 'read-usage', containerId: task.launch, asked }]
}

export const heardUsage = ({ asked, usage }: UsageRead): readonly Effect[] => [answer(asked, usage)]

/** Whole milliseconds and bytes. */
function answer({ to, message }: UsageAsked, usage: UsageRead['usage']): Effect {
  const entries: readonly (readonly [string, number])[] = Object.entries(usage ?? {})
  const counts = entries.map(([name, count]) => [name, Math.round(count)])
  const told = usage === undefined ? { missing: true } : Object.fromEntries(counts)
  return { do: 'send-usage', to, message: { ...message, ...told } }
}
