/** Output of tasks, read when the leader asks for it; who asks may wait for some. */
import type { SessionId } from '../../protocol/ids.ts'
import type { Now } from '../../protocol/now.ts'
import type { SendOutput } from '../../protocol/schema/agent.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import type { Effect } from './effects.ts'
import { findFramework } from './held.ts'
import type { OutputRead } from './inputs.ts'
import { type AgentState, keyOf, type OutputWait, stateOf } from './state.ts'

/** While somebody waits, the end of the file is looked at so often. */
const LOOK_AGAIN_MS = 100
/** So many may wait; others are answered with what there is. */
const WAITS_MAX = 1_000

export function sendOutput(state: AgentState, order: SendOutput, now: Now): readonly Effect[] {
  if (state.outputs.has(order.request)) return []
  const waitMs = state.outputs.size < WAITS_MAX ? order.waitMs : 0
  const wait: OutputWait = { order, untilMs: now.monotonicMs + waitMs }
  state.outputs.set(order.request, wait)
  return [readEffect(wait)]
}

function readEffect({ order }: OutputWait): Effect {
  const { principal, frameworkId, taskId, launch, stream, offset, bytesMax, request } = order
  const sandbox = { principal, frameworkId, taskId }
  const which = launch === undefined ? {} : { launch }
  return { do: 'read-output', request, sandbox, ...which, stream, offset, bytesMax }
}

export function heardOutput(state: AgentState, input: OutputRead, now: Now): readonly Effect[] {
  const wait = state.outputs.get(input.request)
  if (wait === undefined) return []
  const { order } = wait
  const { output } = input
  const isWorthWaiting =
    output === undefined ? isExpected(state, order) : !hasNews(output) && !isShort(order, output)
  if (isWorthWaiting && now.monotonicMs < wait.untilMs) {
    const atMs = Math.min(now.monotonicMs + LOOK_AGAIN_MS, wait.untilMs)
    state.deadlines.set(`output.${order.request}`, atMs, { kind: 'output', request: order.request })
    return []
  }
  state.outputs.delete(order.request)
  return [answer(order, output)]
}

type Output = NonNullable<OutputRead['output']>

const hasNews = ({ bytes, end, goneBytes }: Output): boolean =>
  bytes.length > 0 || end || goneBytes !== undefined

/** The task, or who could not take its begin away otherwise, has emptied it. */
const isShort = ({ offset }: SendOutput, { sizeBytes = offset }: Output): boolean =>
  sizeBytes < offset

/** Its container may be on its way, and the sandbox comes: of the launch that is asked for. */
function isExpected(state: AgentState, order: SendOutput): boolean {
  const launches = findFramework(state, order)?.launches.get(order.taskId) ?? []
  const { launch: wanted } = order
  return launches.some(
    (task) => !isTerminal(stateOf(task)) && (wanted ?? task.launch) === task.launch,
  )
}

function answer(order: SendOutput, output: OutputRead['output']): Effect {
  const { request, taskId, stream, offset } = order
  const message = { request, taskId, stream, offset }
  return {
    do: 'send-output',
    to: keyOf(order),
    message:
      output === undefined
        ? { ...message, data: new Uint8Array(), end: true, missing: true }
        : { ...message, ...contentOf(order, output) },
  }
}

/** `data` begins at `offset`, or there is none: who asks reads on where the answer says. */
function contentOf(order: SendOutput, output: Output) {
  const { bytes: data, end, goneBytes } = output
  if (isShort(order, output)) return { data: NO_BYTES, end: false, begunAnew: true }
  if (goneBytes !== undefined) return { data: NO_BYTES, end: false, goneBytes }
  return { data, end }
}

const NO_BYTES = new Uint8Array()

/** Nobody looks any more: those who wait are told that there is nothing yet, and will ask again. */
export function endWaits({ outputs }: AgentState): readonly Effect[] {
  const waits = [...outputs.values()]
  outputs.clear()
  return waits.map(({ order }) => answer(order, { bytes: new Uint8Array(), end: false }))
}

export function lookAgain(state: AgentState, request: SessionId): readonly Effect[] {
  const wait = state.outputs.get(request)
  return wait === undefined ? [] : [readEffect(wait)]
}
