/** What a leader knows of explanations that are asked for. */
import type { Explained, Explanation } from '../../../protocol/schema/explain.ts'

/** An explanation that waits for the allocator. */
export interface OpenExplanation {
  readonly id: number
  readonly reply: string | undefined
  readonly body: Explanation
  /** A framework asks about itself. */
  readonly isOwn: boolean
  /** Those that are not answered yet, and what each answer is to stand in. */
  readonly questions: Map<number, { explained?: Explained }>
}

/** What the allocator is being asked. */
export interface Explaining {
  /** Ever asked: the number of the last one. */
  questions: number
  readonly byQuestion: Map<number, OpenExplanation>
  readonly open: Map<number, OpenExplanation>
  /** When (monotonic) frameworks asked about themselves, the latest times, oldest first. */
  readonly ownAtMs: number[]
  /** Their questions that the allocator has not answered, also if nobody waits for it any more. */
  readonly ownQuestions: Set<number>
}
