/** What the leader asks for an operator, and how far the answer has come. */
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import type { Explained, WaitExample, WaitReason } from '../../../protocol/schema/explain.ts'
import type { AgentBook, MemberBook } from '../books/entities.ts'

export type Ask = Extract<AllocatorFigure, { kind: 'ask-member' | 'ask-agent' | 'ask-role' }>

/** What was asked about, and one of all that it is held against. */
export interface Pair {
  readonly agent: AgentBook
  readonly member: MemberBook
  readonly example: Pick<WaitExample, 'agentId' | 'principal' | 'frameworkId' | 'role'>
}

export interface Question {
  readonly number: number
  readonly answer: Pick<Explained, 'standings'>
  /** That are still to be judged. */
  readonly pairs: Iterator<Pair>
  readonly counts: Map<WaitReason, number>
  readonly examples: WaitExample[]
}

export interface Questions {
  /** The oldest first. */
  readonly waiting: Ask[]
  /** The one that is being answered. */
  current: Question | undefined
}
