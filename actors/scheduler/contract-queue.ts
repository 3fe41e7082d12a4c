/** Tasks that wait for offers, of agents that they prefer first: what an author holds. */
import type { Refusal } from '../../protocol/errors.ts'
import type { AgentId, TaskId } from '../../protocol/ids.ts'
import type { Offered, Outcome, TaskWish } from './contract-offers.ts'

/** Agents where a task would rather be, and how long it waits for one of them. */
export interface Preference {
  /** An attribute of agents, `hostname`, or `agent` (its id). */
  readonly attribute: string
  /** What it is there; of a list any one, at most 64. */
  readonly equals: string | number | readonly (string | number)[]
  /**
   * At most so long it keeps off places for this; then its next preference counts too, and after
   * the last one every place does. Counted from when a place on which it fits is first passed over
   * (see also `add`). Milliseconds. 0: it does not wait, but where it prefers to be it goes before
   * others of its add.
   */
  readonly waitMs: number
}

/** A task that waits in a queue. */
export interface QueuedTask extends TaskWish {
  /** In order, at most 8: its data's agents first, then their rack. Default: all are the same. */
  readonly prefer?: Preference | readonly Preference[]
  /** Whose offers it may use, and whose share it counts for. Default: any of the framework's. */
  readonly role?: string
}

/** What became of an `add`: all of them wait, or none does. */
export type Queued =
  | { readonly outcome: 'done'; readonly taskIds: readonly TaskId[] }
  | { readonly outcome: 'refused'; readonly refusal: Refusal; readonly taskIds: readonly TaskId[] }

/** A task of a queue that was started. */
export interface Placement {
  readonly taskId: TaskId
  readonly agentId: AgentId
  /**
   * Which of its preferences holds there, from 0. Their number: none does. Without any it is 0.
   */
  readonly choice: number
}

/** What became of an offer, and what was started on it: nothing, if it was declined. */
export type Answered = Outcome & { readonly placed: readonly Placement[] }

/**
 * Tasks that wait for offers. It holds no offer: one that nobody wants yet is declined at once, for
 * as long as that stays so, and others get it meanwhile.
 *
 * Source: Zaharia et al., "Delay Scheduling", EuroSys 2010, algorithms 2 and 3.
 */
export interface TaskQueue {
  /** How many wait. */
  readonly length: number

  /**
   * Lets tasks wait, behind those that do already. Those of one `add` wait together: whenever one
   * of them is started where it prefers to be, the wait of the others begins anew at that moment,
   * so that a job that gets on keeps to good places. Whoever wants a task to wait for itself adds
   * it alone.
   *
   * What was declined before is asked for again. Refused as by an accept: `invalid`, for an id that
   * waits already too, and `too-large`.
   */
  add(tasks: readonly QueuedTask[]): Queued

  /**
   * The task does not wait any more; false: it did not, or is being started just now. Then it does
   * not wait again, whatever comes of that.
   */
  remove(taskId: string): boolean

  /**
   * Starts on the offer what waits and fits: by the order of the adds, of one add those first that
   * prefer to be there. Without such a task the offer is declined, and says why. Of those that fit
   * the first 1,000 are looked at. Tasks of an accept that is refused wait again, in their old
   * places; those whose ids have come to be in use are `notLaunched`, and wait no more.
   */
  answer(offer: Offered): Promise<Answered>
}
