/** Runs a core: one input at a time, its effects in order, a flush at the end of each turn. */
import type { Clock, Timer } from '../../bus/clock.ts'
import type { CommonInput, Core } from '../parts/core.ts'

export interface RunningActor<Input> {
  /** Hands an input over. From within an effect it waits until that input's effects are done. */
  readonly input: (input: Input) => void
  /** No effect is performed after this, not even those that are left of the current input. */
  stop(): void
  /** Handles what was handed over in this turn, says what there is to say, then stops. */
  finish(): Promise<void>
}

export interface ActorParts<State, Input, Effect> {
  readonly core: Core<State, Input, Effect>
  readonly state: State
  readonly clock: Clock
  /** Performs one effect. An expected failure is not thrown: it comes back as an input. */
  readonly perform: (effect: Effect) => void
}

export function runActor<State, Input, Effect>(
  parts: ActorParts<State, Input, Effect>,
): RunningActor<Input> {
  const { core, state, clock, perform } = parts
  const waiting: (Input | CommonInput)[] = []
  let isRunning = false
  let isStopped = false
  let flushIsDue = false
  let timer: Timer | undefined
  let timerAtMs = Number.POSITIVE_INFINITY

  const arrangeWake = (): void => {
    const atMs = core.wakeAtMs(state)
    // A timer that is set too early does no harm; one for every message would.
    if (atMs === undefined || atMs >= timerAtMs) return
    timer?.cancel()
    timerAtMs = atMs
    timer = clock.after(Math.max(0, atMs - clock.now().monotonicMs), () => {
      timerAtMs = Number.POSITIVE_INFINITY
      take({ kind: 'wake' })
    })
  }

  const arrangeFlush = (): void => {
    if (flushIsDue || !core.wantsFlush(state)) return
    flushIsDue = true
    clock.soon(() => {
      flushIsDue = false
      take({ kind: 'flush' })
    })
  }

  const take = (input: Input | CommonInput): void => {
    if (isStopped) return
    waiting.push(input)
    if (isRunning) return
    isRunning = true
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      for (const effect of core.handle(state, next, clock.now())) {
        perform(effect)
        if (isStopped) return
      }
    }
    isRunning = false
    arrangeFlush()
    arrangeWake()
  }

  const stop = (): void => {
    isStopped = true
    timer?.cancel()
  }

  arrangeWake()
  return {
    input: take,
    stop,
    // From within an effect its own flush is not arranged yet, so that would come too late.
    finish: () =>
      new Promise((resolve) =>
        clock.soon(() => {
          take({ kind: 'flush' })
          stop()
          resolve()
        }),
      ),
  }
}
