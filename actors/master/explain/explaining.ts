/** Answers why somebody has got nothing: what the leader knows, and what its allocator says. */
import { type Refusal, refusal } from '../../../protocol/errors.ts'
import { type FrameworkKey, frameworkKey } from '../../../protocol/ids.ts'
import { LIST_BYTES_MAX } from '../../../protocol/limits.ts'
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import type {
  Explain,
  Explained,
  Explanation,
  WaitExample,
} from '../../../protocol/schema/explain.ts'
import { wireBytes } from '../../../protocol/wire-size.ts'
import { frameworkOf } from '../books.ts'
import type { Agent, Framework } from '../entities.ts'
import { topOf } from '../roles/books.ts'
import { agentsAwaited } from '../roles/recovery.ts'
import { count } from '../state.ts'
import { answer, type LeaderTurn } from '../turn.ts'
import {
  agentStateOf,
  frameworkStateOf,
  isRole,
  memberExplanations,
  membersOf,
  membersOfRole,
  offersShown,
  type RoleMember,
  statusShown,
  type TaskKey,
  taskOf,
} from './books.ts'
import type { OpenExplanation } from './state.ts'

/** So long the allocator may take: an operator waits longer. */
const EXPLAIN_MS = 600
/** Explanations that wait for the allocator at once. */
const OPEN_MAX = 64
/** Explanations of frameworks: whoever asks again and again is not to keep the allocator busy. */
const OWN_PER_S_MAX = 10
/** Members that one explanation asks the allocator about: each is a look at every agent. */
const MEMBERS_ASKED_MAX = 8
/** The same of all frameworks that ask about themselves at once: an operator's question is next. */
const OWN_ASKED_MAX = 16

type Ask = Extract<AllocatorFigure, { kind: 'ask-member' | 'ask-agent' | 'ask-role' }>
type Unnumbered<A> = A extends Ask ? Omit<A, 'question'> : never
/** Whatever the answer is to stand in. */
type Target = { explained?: Explained }

/** What the leader knows, and what it asks the allocator beside. */
interface Known {
  /** Nothing of others is to be told. Default: all is. */
  readonly isOwn?: boolean
  readonly body: Explanation
  readonly asks: readonly { readonly ask: Unnumbered<Ask>; readonly into: Target }[]
}

/** Answers at once if there is nobody to ask. */
export function explain(
  turn: LeaderTurn,
  asked: Explain,
  reply: string | undefined,
): object | Refusal | 'later' {
  const known = look(turn, asked)
  return 'code' in known ? known : answerLater(turn, known, reply)
}

/** The same for a framework that asks about itself. */
export function explainOwn(
  turn: LeaderTurn,
  framework: Framework,
  reply: string | undefined,
): object | Refusal | 'later' {
  const { ownAtMs, ownQuestions } = turn.leader.explaining
  const { monotonicMs } = turn.now
  if (ownQuestions.size + MEMBERS_ASKED_MAX > OWN_ASKED_MAX) return tooMany()
  const oldestMs = ownAtMs.length < OWN_PER_S_MAX ? undefined : ownAtMs.shift()
  if (oldestMs !== undefined && monotonicMs < oldestMs + 1_000) {
    ownAtMs.unshift(oldestMs)
    return tooMany()
  }
  ownAtMs.push(monotonicMs)
  const { body, asks } = ofMembers(turn, membersOf(framework))
  const { members = [], absent = 0 } = body
  const own = { body: { members, absent, allocator: true }, asks, isOwn: true }
  return answerLater(turn, own, reply)
}

/** Who else is in the cluster is not theirs to know. */
function withoutOthers({ examples = [], ...explained }: Explained): Explained {
  const isOfOthers = ({ reason, cutBy }: WaitExample): boolean =>
    reason === 'others-first' || reason === 'headroom' || cutBy === 'headroom'
  return {
    ...explained,
    examples: examples.map(({ detail, ...one }) =>
      detail === undefined || isOfOthers(one) ? one : { ...one, detail },
    ),
  }
}

const tooMany = (): Refusal => refusal('too-many', 'other explanations are being made')

function answerLater(
  turn: LeaderTurn,
  { body, asks, isOwn = false }: Known,
  reply: string | undefined,
): object | Refusal | 'later' {
  const { explaining, allocator, deadlines } = turn.leader
  if (asks.length === 0) return body
  if (allocator === undefined) return { ...body, allocator: false }
  if (explaining.open.size >= OPEN_MAX) return tooMany()
  const id = explaining.questions + 1
  const open: OpenExplanation = { id, reply, body, isOwn, questions: new Map() }
  for (const { ask, into } of asks) {
    explaining.questions += 1
    open.questions.set(explaining.questions, into)
    explaining.byQuestion.set(explaining.questions, open)
    if (isOwn) explaining.ownQuestions.add(explaining.questions)
    allocator.figures.push({ ...ask, question: explaining.questions })
  }
  explaining.open.set(id, open)
  deadlines.set(`explain ${id}`, turn.now.monotonicMs + EXPLAIN_MS, { due: 'explain', id })
  return 'later'
}

/** The allocator has answered one question; of one that waits no more nobody is told. */
export function takeExplained(turn: LeaderTurn, explained: Explained): void {
  const { explaining } = turn.leader
  explaining.ownQuestions.delete(explained.question)
  const open = explaining.byQuestion.get(explained.question)
  const into = open?.questions.get(explained.question)
  if (open === undefined || into === undefined) return count(turn.state, 'explanations-late')
  into.explained = open.isOwn ? withoutOthers(explained) : explained
  explaining.byQuestion.delete(explained.question)
  open.questions.delete(explained.question)
  if (open.questions.size === 0) finish(turn, open)
}

/** The allocator was silent for too long. */
export function explanationIsDue(turn: LeaderTurn, id: number): void {
  const open = turn.leader.explaining.open.get(id)
  if (open !== undefined) finish(turn, open)
}

/** The allocator has gone: whoever waits for it gets what there is. */
export function endExplanations(turn: LeaderTurn): void {
  const { open, ownQuestions } = turn.leader.explaining
  ownQuestions.clear()
  for (const one of open.values()) finish(turn, one)
}

function finish(turn: LeaderTurn, open: OpenExplanation): void {
  const { explaining, deadlines } = turn.leader
  const { id, reply, body, questions } = open
  for (const question of questions.keys()) explaining.byQuestion.delete(question)
  explaining.open.delete(id)
  deadlines.clear(`explain ${id}`)
  body.allocator = questions.size === 0
  answer(turn, reply, fitted(body))
}

/** Examples are long: what does not fit into one message goes without, the last first. */
function fitted(body: Explanation): Explanation {
  const members = body.members ?? []
  for (let last = members.length - 1; last >= 0; last--) {
    if (wireBytes(body) <= LIST_BYTES_MAX) break
    delete members[last]?.explained?.examples
  }
  while (members.length > 0 && wireBytes(body) > LIST_BYTES_MAX) {
    members.pop()
    body.more = (body.more ?? 0) + 1
  }
  return body
}

function look(turn: LeaderTurn, { framework, role, agentId, task }: Explain): Known | Refusal {
  const named = [framework, role, agentId, task].filter((one) => one !== undefined)
  if (named.length !== 1) {
    return refusal('invalid', 'exactly one of framework, role, agentId and task is to stand')
  }
  if (role !== undefined) return ofRole(turn, role)
  if (agentId !== undefined) {
    const { agents, gone } = turn.leader
    if (gone.has(agentId)) return { body: { state: 'gone', allocator: true }, asks: [] }
    const agent = agents.get(agentId)
    return agent === undefined ? refusal('not-found', `no agent ${agentId}`) : ofAgent(turn, agent)
  }
  return task === undefined ? ofFramework(turn, framework as FrameworkKey) : ofTask(turn, task)
}

const noFramework = (key: FrameworkKey): Refusal =>
  refusal('not-found', `no framework ${frameworkKey(key)}`)

function ofAgent(turn: LeaderTurn, agent: Agent): Known {
  const offers = [...agent.offers].flatMap((id) => turn.leader.offers.get(id) ?? [])
  const body: Explanation = {
    state: agentStateOf(agent),
    ...offersShown(turn, offers, offers.length),
    allocator: true,
  }
  if (agent.state !== 'registered') return { body, asks: [] }
  return { body, asks: [{ ask: { kind: 'ask-agent', agentId: agent.agentId }, into: body }] }
}

function ofFramework(turn: LeaderTurn, key: FrameworkKey): Known | Refusal {
  const framework = frameworkOf(turn, key)
  if (framework === undefined) return noFramework(key)
  const known = ofMembers(turn, membersOf(framework))
  return { ...known, body: { state: frameworkStateOf(framework), ...known.body } }
}

/** One that is not known may be an instance that waits for an offer. */
function ofTask(turn: LeaderTurn, key: TaskKey): Known | Refusal {
  const task = taskOf(turn, key)
  if (task === undefined) {
    const framework = frameworkOf(turn, key)
    return framework === undefined ? noFramework(key) : ofMembers(turn, membersOf(framework))
  }
  const agent = turn.leader.agents.get(task.agentId)
  const status = statusShown(turn, task)
  const body: Explanation = {
    state: status.state,
    status,
    ...(agent !== undefined && { agentState: agentStateOf(agent) }),
    allocator: true,
  }
  return { body, asks: [] }
}

function ofRole(turn: LeaderTurn, role: string): Known | Refusal {
  if (!isRole(turn, role)) return refusal('not-found', `no framework is in role ${role} or below`)
  const known = ofMembers(turn, membersOfRole(turn, role))
  return { ...known, asks: [{ ask: { kind: 'ask-role', role }, into: known.body }, ...known.asks] }
}

/** The allocator is asked about those that want something. */
function ofMembers(turn: LeaderTurn, members: readonly RoleMember[]): Known {
  const { absent, offers, roles } = turn.leader
  const isLimited = members.some(({ role }) => roles.limited.has(topOf(role)))
  const awaited = isLimited ? agentsAwaited(turn.leader) : 0
  const shown = memberExplanations(turn, members)
  const waiting = shown.members.filter(
    ({ state, suppressed, left }) => state === 'subscribed' && !suppressed && !left,
  )
  for (const one of waiting.slice(MEMBERS_ASKED_MAX)) one.unasked = true
  const asks = waiting.slice(0, MEMBERS_ASKED_MAX).map((into) => {
    const { principal, frameworkId, role } = into
    return { ask: { kind: 'ask-member' as const, principal, frameworkId, role }, into }
  })
  const body: Explanation = {
    ...shown,
    ...offersShown(turn, offers.values(), offers.size),
    absent: absent.size,
    ...(awaited > 0 && { awaited }),
    allocator: true,
  }
  return { body, asks }
}
