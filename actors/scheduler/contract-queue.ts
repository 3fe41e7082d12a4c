/**
 * Tasks that wait for offers, first for those of agents that they prefer: what an author holds and
 * writes.
 */
import type { AgentId, TaskId } from '../../protocol/ids.ts'
import type { Outcome, TaskWish } from './contract.ts'
import type { Refusal } from '../../protocol/errors.ts'
import type { Offered } from './contract.ts'

/** Agents where a task would rather be, and how long it waits for them. */
export interface Preference {
  /** Of the agents: an attribute, `hostname`, or `agent` (its id). */
  readonly attribute: string
  /** What it is there; of a list, any one of it. At most 64. */
  readonly equals: string | number | readonly (string | number)[]
  /**
   * So long after a place elsewhere was passed over for it, the next preference counts too; after
   * the last one any place does. Milliseconds; 0: no wait, but of several tasks the one that
   * prefers the place goes first.
   */
  readonly waitMs: number
}

/** A task that waits in a queue. */
export interface QueuedTask extends TaskWish {
  /** In order, at most 8: the block's agents, then its rack. Default: any place is as good. */
  readonly prefer?: Preference | readonly Preference[]
}

/** What became of an `add`: all of them wait, in order, or none does. */
export type Queued =
  | { readonly outcome: 'done'; readonly taskIds: readonly TaskId[] }
  | { readonly outcome: 'refused'; readonly refusal: Refusal; readonly taskIds: readonly TaskId[] }

/** A task of a queue that was started. */
export interface Placement {
  readonly taskId: TaskId
  readonly agentId: AgentId
  /**
   * Which of its preferences holds there, from 0; as many as it has: none. Of a task without any
   * it is 0.
   */
  readonly choice: number
}

/** What became of an offer, and what was started on it: nothing, if it was declined. */
export type Answered = Outcome & { readonly placed: readonly Placement[] }

/** Made by `Scheduler.queue`. */
export interface TaskQueue {
  /** How many wait. */
  readonly length: number

  /**
   * Lets tasks wait, after those that wait already. Those that are added together wait together:
   * whenever one of them is placed where it prefers, the wait of the others begins anew. So a job
   * that gets on waits for good places, and no task waits longer than the sum of all. Whoever wants
   * each to wait for itself adds them one by one.
   *
   * What was declined for others is asked for again. Refused: `invalid` and `too-large`, as an
   * accept; an id that waits already.
   *
   * Source: Zaharia et al., "Delay Scheduling", EuroSys 2010, algorithms 2 and 3.
   */
  add(tasks: readonly QueuedTask[]): Queued

  /** It does not wait any more; false: it did not. */
  remove(taskId: string): boolean

  /**
   * Starts on the offer what waits and fits: in order of the adds, and of one add those first that
   * prefer the place. Where nobody wants it (yet) it is declined at once, with the reason, for
   * as long as that stays so: others get it meanwhile, nothing is held. What is left over of it
   * comes back by the same rule. Tasks of an accept that is refused wait again, as the first.
   */
  answer(offer: Offered): Promise<Answered>
}
