/** One input being handled: what every handler gets. */
import { check } from '../../protocol/check.ts'
import type { Refusal } from '../../protocol/errors.ts'
import type { Now } from '../../protocol/now.ts'
import type { MessageName } from '../../protocol/schema/messages.ts'
import type { Outcome } from './contract-offers.ts'
import type { Effect } from './effects.ts'
import type { Ask } from './inputs.ts'
import type { Count, SchedulerState } from './state.ts'

export interface Turn {
  readonly state: SchedulerState
  readonly now: Now
  readonly effects: Effect[]
}

export function count({ state }: Turn, what: Count): void {
  state.counts[what] += 1
}

/** Tells the framework what became of a command, if it asked. */
export function settle(turn: Turn, ask: Ask | undefined, outcome: Outcome): void {
  if (ask !== undefined) turn.effects.push({ do: 'settle', ask, outcome })
}

/** Which field is wrong, if one is: the leader would refuse it at its edge, unnumbered. */
export function refuseShape(name: MessageName, body: unknown): Refusal | undefined {
  const checked = check(name, body)
  return checked.ok ? undefined : checked.refusal
}

export function settleRefused(turn: Turn, ask: Ask | undefined, refusal: Refusal): void {
  settle(turn, ask, { outcome: 'refused', refusal })
}
