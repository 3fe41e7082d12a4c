/** What is asked about sandboxes: which there are, and what lies in one. */
import { FOUND_SANDBOXES_MAX, TIME_AT_MS_MAX } from '../../protocol/limits.ts'
import type { FindSandboxes, FoundSandbox, SendSandbox } from '../../protocol/schema/sandbox.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { compareFence } from '../parts/fence.ts'
import type { Effect } from './effects.ts'
import { type AgentState, keyOf, stateOf } from './state.ts'

/** Reading changes nothing, so whoever performs it needs nobody to decide. */
export function sendSandbox(order: SendSandbox): readonly Effect[] {
  const { kind: _, principal, frameworkId, taskId, launch, request, ...look } = order
  const sandbox = { principal, frameworkId, taskId, ...(launch !== undefined && { launch }) }
  return [{ do: 'look-into', to: keyOf(order), request, sandbox, look }]
}

/** Only the leader that is followed has its questions answered. */
export function findSandboxes(state: AgentState, question: FindSandboxes): readonly Effect[] {
  const { epoch, run, request } = question
  if (state.highest === undefined) return []
  if (compareFence(state.highest, { epoch, run }) !== 'current') return []
  const found: FoundSandbox[] = []
  for (const sandbox of sandboxesOf(state)) {
    const isMeant =
      sandbox.taskId.startsWith(question.task) && sandbox.frameworkId.startsWith(question.framework)
    if (isMeant) found.push(sandbox)
    if (found.length > FOUND_SANDBOXES_MAX) break
  }
  if (found.length === 0 && !question.everyoneAnswers) return []
  const sandboxes = found.slice(0, FOUND_SANDBOXES_MAX)
  const message = { request, sandboxes, more: found.length > FOUND_SANDBOXES_MAX }
  return [{ do: 'send-found', message }]
}

/** Of tasks that it holds, and of those that it has forgotten. */
function* sandboxesOf({ tasks, sandboxes }: AgentState): Iterable<FoundSandbox> {
  for (const task of tasks.values()) {
    const { taskId, launch, last, framework } = task
    const { principal, frameworkId } = framework
    const endedAtMs = isTerminal(stateOf(task)) ? last?.atMs : undefined
    const ended = endedAtMs === undefined ? {} : { endedAtMs }
    yield { principal, frameworkId, taskId, launch, ...ended }
  }
  for (const { principal, frameworkId, taskId, launch, endedAtMs } of sandboxes.values()) {
    const ended = endedAtMs === undefined ? {} : { endedAtMs: timeOf(endedAtMs) }
    yield { principal, frameworkId, taskId, launch, ...ended }
  }
}

/** Of a folder that was found it is what its task has made of it: any time at all. */
const timeOf = (atMs: number): number => Math.round(Math.min(Math.max(0, atMs), TIME_AT_MS_MAX))
