/** What is asked about sandboxes: which there are, and what lies in one. */
import { isLaterLaunch } from '../../protocol/ids.ts'
import { FOUND_SANDBOXES_MAX, TIME_AT_MS_MAX } from '../../protocol/limits.ts'
import type {
  FindSandboxes,
  FoundSandbox,
  SandboxesFound,
  SendSandbox,
} from '../../protocol/schema/sandbox.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { compareFence } from '../parts/fence.ts'
import type { Effect } from './effects.ts'
import { type AgentState, keyOf, stateOf } from './state.ts'

/** Reading changes nothing, so whoever performs it needs nobody to decide. */
export function sendSandbox(order: SendSandbox): readonly Effect[] {
  const { kind: _, principal, frameworkId, taskId, launch, request, ...look } = order
  const sandbox = { principal, frameworkId, taskId, ...(launch !== undefined && { launch }) }
  return [{ do: 'read-sandbox', to: keyOf(order), request, sandbox, look }]
}

/** Only the leader that is followed has its questions answered. */
export function findSandboxes(state: AgentState, question: FindSandboxes): readonly Effect[] {
  const { epoch, run, request } = question
  if (state.highest === undefined) return []
  if (compareFence(state.highest, { epoch, run }) !== 'current') return []
  const found = newest(meant(sandboxesOf(state), question))
  if (found.sandboxes.length === 0 && !question.everyoneAnswers) return []
  return [{ do: 'send-found', message: { request, ...found } }]
}

/** Whole ids win over longer ones that begin so: of those there may be more than are named. */
function meant(
  sandboxes: Iterable<FoundSandbox>,
  { task, framework }: FindSandboxes,
): readonly FoundSandbox[] {
  let found: FoundSandbox[] = []
  let wholeIds = 0
  for (const sandbox of sandboxes) {
    const { taskId, frameworkId } = sandbox
    if (!taskId.startsWith(task) || !frameworkId.startsWith(framework)) continue
    const whole = 2 * Number(taskId === task) + Number(frameworkId === framework)
    if (whole < wholeIds) continue
    if (whole > wholeIds) found = []
    wholeIds = whole
    found.push(sandbox)
  }
  return found
}

/** As many as may be named; a task that starts again and again leaves more. */
function newest(found: readonly FoundSandbox[]): Omit<SandboxesFound, 'request'> {
  let sandboxes: FoundSandbox[] = []
  const cut = (): void => {
    sandboxes = sandboxes.sort(newestFirst).slice(0, FOUND_SANDBOXES_MAX)
  }
  for (const sandbox of found) {
    const last = sandboxes[FOUND_SANDBOXES_MAX - 1]
    const isLate = last !== undefined && isLaterLaunch(last.launch, sandbox.launch)
    if (isLate && sandboxes.length === FOUND_SANDBOXES_MAX) continue
    sandboxes.push(sandbox)
    if (sandboxes.length === 2 * FOUND_SANDBOXES_MAX) cut()
  }
  cut()
  return { sandboxes, more: found.length > FOUND_SANDBOXES_MAX }
}

function newestFirst({ launch: a }: FoundSandbox, { launch: b }: FoundSandbox): number {
  if (isLaterLaunch(a, b)) return -1
  return isLaterLaunch(b, a) ? 1 : 0
}

/** Of tasks that it holds, and of those that it has forgotten. */
function* sandboxesOf({ tasks, sandboxes }: AgentState): Iterable<FoundSandbox> {
  for (const task of tasks.values()) {
    if (task.container === 'none') continue
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
