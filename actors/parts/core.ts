/** What every actor's core looks like to whoever runs it. */
import type { Now } from '../../protocol/now.ts'

/** Inputs that every core knows beside its own. */
export type CommonInput =
  /** The time that `wakeAtMs` named has come, or an earlier one that it had named before. */
  | { readonly kind: 'wake' }
  /** The turn is over: say what is to be said. */
  | { readonly kind: 'flush' }

/**
 * A core takes one input and changes its own state in place; the same inputs give the same state
 * and effects. Effects are performed in order; a crash may cut them anywhere.
 */
export interface Core<State, Input, Effect> {
  handle(state: State, input: Input | CommonInput, now: Now): readonly Effect[]
  /** When `wake` is wanted, in monotonic milliseconds; undefined: never. */
  wakeAtMs(state: State): number | undefined
  /** True when a `flush` would give effects. */
  wantsFlush(state: State): boolean
}
