/** One input being handled: what every handler gets. */
import type { Refusal } from '../../protocol/errors.ts'
import type { Now } from '../../protocol/now.ts'
import type { Fence } from '../../protocol/schema/common.ts'
import type { Effect } from './effects.ts'
import { count, type Leader, type MasterState } from './state.ts'

export interface Turn {
  readonly state: MasterState
  readonly now: Now
  readonly effects: Effect[]
}

/** A turn of a master that leads. */
export interface LeaderTurn extends Turn {
  readonly leader: Leader
}

export function fenceOf({ state, leader }: LeaderTurn): Fence {
  return { epoch: leader.epoch, run: state.run }
}

export function log(turn: Turn, message: string, fields?: Record<string, string | number>): void {
  turn.effects.push({ do: 'log', level: 'info', message, ...(fields && { fields }) })
}

export function warn(turn: Turn, message: string, fields?: Record<string, string | number>): void {
  turn.effects.push({ do: 'log', level: 'warn', message, ...(fields && { fields }) })
}

/** Answers a call; nothing if no answer is wanted. */
export function answer(turn: Turn, reply: string | undefined, body: object): void {
  if (reply !== undefined) turn.effects.push({ do: 'answer', reply, body })
}

/** Refuses a call, and counts that. */
export function refuse(turn: Turn, reply: string | undefined, refusal: Refusal): void {
  count(turn.state, `refused.${refusal.name}`)
  if (reply !== undefined) turn.effects.push({ do: 'refuse', reply, refusal })
}
