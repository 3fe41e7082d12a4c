/**
 * Runs a core whose policy is somebody else's. Neither a throw nor a loop of it is the actor's end:
 * what was half done is void, and the core goes on without that policy.
 *
 * Against mistakes, not against enemies: a policy runs in the actor's process, with its rights.
 */
import { createContext, Script } from 'node:vm'
import type { Now } from '../../../protocol/now.ts'
import type { CommonInput, Core } from '../../parts/core.ts'
import { PolicyFailure } from './guard.ts'

/** One input, with all that the policy is asked for it. */
export const INPUT_MS_MAX = 1_000
/** A process that was stopped or got no processor is forgiven so seldom. */
const FORGIVEN_MS = 60_000

export interface Containment<State, Input, Effect> {
  readonly core: Core<State, Input, Effect>
  /** What loops is to be named: see `Guarded`. */
  readonly asking: () => string | undefined
  /** Makes the state good again, without the policy. */
  readonly fallBack: (state: State, problem: string, now: Now) => readonly Effect[]
  /** Makes the state good again: nobody is to blame. */
  readonly beginAnew: (state: State, now: Now) => readonly Effect[]
  /** Default: INPUT_MS_MAX. */
  readonly inputMsMax?: number
}

export function contain<State, Input, Effect>(
  containment: Containment<State, Input, Effect>,
): Core<State, Input, Effect> {
  const { core, asking, fallBack, beginAnew, inputMsMax = INPUT_MS_MAX } = containment
  const runFor = timeLimited(inputMsMax)
  let hasFailed = false
  let forgivenAtMs = Number.NEGATIVE_INFINITY

  const handleLimited = (state: State, input: Input | CommonInput, now: Now): readonly Effect[] => {
    const before = process.cpuUsage()
    try {
      return runFor(() => core.handle(state, input, now))
    } catch (error) {
      if (!(error instanceof PolicyFailure) && !isTimeout(error)) throw error
      const { user, system } = process.cpuUsage(before)
      const asked = asking()
      const wasStarved = isTimeout(error) && (user + system) / 1_000 < inputMsMax / 2
      if (wasStarved && now.monotonicMs >= forgivenAtMs + FORGIVEN_MS) {
        forgivenAtMs = now.monotonicMs
        return beginAnew(state, now)
      }
      hasFailed = true
      const problem = isTimeout(error)
        ? `${asked ?? 'one turn'} took more than ${inputMsMax} ms`
        : (error as PolicyFailure).message
      return fallBack(state, problem, now)
    }
  }
  return {
    ...core,
    handle: (state, input, now) =>
      hasFailed ? core.handle(state, input, now) : handleLimited(state, input, now),
  }
}

/**
 * V8 ends what a script does when its time is over, also in functions that it was lent, and no
 * `catch` or `finally` there keeps it from that. It costs a thread, about 0.1 ms a call.
 */
function timeLimited(timeoutMs: number): <T>(run: () => T) => T {
  const lent: { run?: () => void } = {}
  const context = createContext(lent)
  const script = new Script('run()')
  return <T>(run: () => T): T => {
    let result: { readonly value: T } | undefined
    lent.run = () => {
      result = { value: run() }
    }
    script.runInContext(context, { timeout: timeoutMs })
    return (result as { readonly value: T }).value
  }
}

/** It is an error of the script's own world: no `instanceof`. */
const isTimeout = (error: unknown): boolean =>
  (error as { readonly code?: unknown } | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
