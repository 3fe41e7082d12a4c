/**
 * Why somebody gets nothing, asked by the leader for an operator. The answer comes from the code
 * that decides, a bounded piece of it in a turn: nothing is written down for it beforehand.
 */
import { WAIT_EXAMPLES_MAX } from '../../../protocol/limits.ts'
import type { Now } from '../../../protocol/now.ts'
import type { Explained, WaitReason } from '../../../protocol/schema/explain.ts'
import { memberKey } from '../books/books.ts'
import type { AgentBook, MemberBook } from '../books/entities.ts'
import { newLook, reasonFor } from '../judging/judgement.ts'
import type { AllocatorState, Books } from '../state.ts'
import { detailOf } from './details.ts'
import type { Ask, Pair, Question } from './question.ts'
import { standingsOf } from './standings.ts'

/** Questions that are not answered yet. */
const QUESTIONS_MAX = 1_024
/**
 * Judgements that they come to: half a second's, with the first ever so many. The leader waits
 * hardly longer, and who comes later is better told at once.
 */
const PAIRS_MAX = 2 ** 19
/** Judgements of one turn: a millisecond or two. */
const JUDGEMENTS_PER_TURN = 2_048

export const hasQuestions = ({ questions: { waiting, current } }: Books): boolean =>
  waiting.length > 0 || current !== undefined

/** Takes a question; it is answered when it is its turn. */
export function ask(state: AllocatorState, figure: Ask): void {
  const { agents, members, questions } = state.books
  const { length } = questions.waiting
  const pairs = length * Math.max(agents.size, members.size)
  if (length < QUESTIONS_MAX && pairs < PAIRS_MAX) questions.waiting.push(figure)
  else leaveUnanswered(state, figure.question, 'too-many')
}

/** Goes on with the first question that is not answered yet, and the next ones if there is time. */
export function explainSome(state: AllocatorState, now: Now): void {
  const { books } = state
  for (let left = JUDGEMENTS_PER_TURN; left > 0; ) {
    books.questions.current ??= nextQuestion(state)
    const question = books.questions.current
    if (question === undefined) return
    left = judgeSome(books, question, { now, left })
    if (left > 0) finish(state, question)
  }
}

/** Undefined: there is none. What it is about may not be known: then there is nothing to do. */
function nextQuestion(state: AllocatorState): Question | undefined {
  const { books } = state
  for (;;) {
    const figure = books.questions.waiting.shift()
    if (figure === undefined) return undefined
    const question = questionOf(books, figure)
    if (question !== undefined) return question
    leaveUnanswered(state, figure.question, 'unknown')
  }
}

function questionOf(books: Books, figure: Ask): Question | undefined {
  const begun = { number: figure.question, counts: new Map(), examples: [] }
  if (figure.kind === 'ask-agent') {
    const agent = books.agents.get(figure.agentId)
    if (agent === undefined || agent.isGone) return undefined
    return { ...begun, answer: {}, pairs: pairsOfAgent(books, agent) }
  }
  const standings = standingsOf(books, figure.role)
  if (figure.kind === 'ask-role') {
    if (standings.length === 0) return undefined
    return { ...begun, answer: { standings: [...standings] }, pairs: NO_PAIRS }
  }
  const member = books.members.get(memberKey(figure))
  if (member === undefined) return undefined
  const pairs = pairsOfMember(books, member)
  return { ...begun, answer: { standings: [...standings] }, pairs }
}

const NO_PAIRS: Iterator<Pair> = [].values()

function* pairsOfAgent({ members }: Books, agent: AgentBook): Generator<Pair> {
  for (const member of members.values()) {
    const { principal, frameworkId, role } = member
    yield { agent, member, example: { principal, frameworkId, role } }
  }
}

function* pairsOfMember({ agents }: Books, member: MemberBook): Generator<Pair> {
  for (const agent of agents.values()) {
    if (!agent.isGone) yield { agent, member, example: { agentId: agent.agentId } }
  }
}

/** Gives how many judgements are left; none: the question is to be gone on with. */
function judgeSome(
  books: Books,
  question: Question,
  { now, left }: { readonly now: Now; readonly left: number },
): number {
  const { pairs, counts, examples } = question
  for (let more = left; more > 0; more--) {
    const next = pairs.next()
    if (next.done) return more
    const { agent, member, example } = next.value
    const reason = reasonOf(books, next.value, now)
    const count = (counts.get(reason) ?? 0) + 1
    counts.set(reason, count)
    if (count > WAIT_EXAMPLES_MAX) continue
    examples.push({ ...example, reason, ...detailOf(books, { agent, member, reason }, now) })
  }
  return 0
}

/** What has been allocated to a member just now is not kept from it. */
function reasonOf(books: Books, { agent, member }: Pair, now: Now): WaitReason {
  const reason = reasonFor(newLook(books, agent, now), member)
  if (reason !== 'others-first') return reason
  for (const pending of agent.pending) if (pending.member === member) return 'next'
  return reason
}

function finish(state: AllocatorState, question: Question): void {
  const { number, answer, counts, examples } = question
  const found = { ...answer, counts: Object.fromEntries(counts), examples }
  state.reports.push({ kind: 'explained', question: number, ...found })
  state.books.questions.current = undefined
}

function leaveUnanswered(
  state: AllocatorState,
  question: number,
  unanswered: NonNullable<Explained['unanswered']>,
): void {
  state.reports.push({ kind: 'explained', question, unanswered })
}
