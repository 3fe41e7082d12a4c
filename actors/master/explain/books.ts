/** What the leader's books say of members, offers and tasks, for an explanation. */
import { type FrameworkKey, frameworkKey, type TaskId } from '../../../protocol/ids.ts'
import { EXPLAINED_MEMBERS_MAX, EXPLAINED_OFFERS_MAX } from '../../../protocol/limits.ts'
import type { Now } from '../../../protocol/now.ts'
import type { TaskStatus } from '../../../protocol/schema/common.ts'
import type { Explanation, MemberExplanation } from '../../../protocol/schema/explain.ts'
import type { AgentItem } from '../../../protocol/schema/operator.ts'
import { frameworkOf } from '../books.ts'
import type { Agent, Framework, LastDecline, Member, Offer, Task } from '../entities.ts'
import { fateOf } from '../tasks.ts'
import type { LeaderTurn } from '../turn.ts'

/** Of one framework that has several roles. */
const TASKS_LOOKED_MAX = 10_000

export interface RoleMember {
  readonly framework: Framework
  readonly role: string
  readonly member: Member
}

export const agentStateOf = ({ state }: Agent): AgentItem['state'] =>
  state === 'unknown' || state === 'opening' ? 'silent' : state

export const frameworkStateOf = ({ state }: Framework): MemberExplanation['state'] =>
  state === 'unknown' ? 'recovered' : state

export const membersOf = (framework: Framework): readonly RoleMember[] =>
  [...framework.roles].map(([role, member]) => ({ framework, role, member }))

/** Its own first, then those of the roles below it. */
export function membersOfRole({ leader }: LeaderTurn, role: string): readonly RoleMember[] {
  const own: RoleMember[] = []
  const below: RoleMember[] = []
  for (const framework of leader.frameworks.values()) {
    if (framework.state === 'ended') continue
    for (const [name, member] of framework.roles) {
      if (name === role) own.push({ framework, role: name, member })
      else if (name.startsWith(`${role}/`)) below.push({ framework, role: name, member })
    }
  }
  return [...own, ...below]
}

/** It has a weight, a quota, or somebody is in it or below it. */
export function isRole({ leader }: LeaderTurn, role: string): boolean {
  if (leader.roles.terms.has(role)) return true
  for (const { roles } of leader.frameworks.values()) {
    for (const name of roles.keys()) if (name === role || name.startsWith(`${role}/`)) return true
  }
  return false
}

/** Those that want something come first; of more than are told of, the number. */
export function memberExplanations(
  turn: LeaderTurn,
  members: readonly RoleMember[],
): Required<Pick<Explanation, 'members'>> & Pick<Explanation, 'more'> {
  const wants = ({ member, framework }: RoleMember): number =>
    member.isLeft ? 2 : member.isSuppressed || framework.state !== 'subscribed' ? 1 : 0
  const sorted = members.toSorted((a, b) => wants(a) - wants(b))
  const more = sorted.length - EXPLAINED_MEMBERS_MAX
  return {
    members: sorted.slice(0, EXPLAINED_MEMBERS_MAX).map((one) => memberExplanation(turn, one)),
    ...(more > 0 && { more }),
  }
}

function memberExplanation(
  { leader, now }: LeaderTurn,
  { framework, role, member }: RoleMember,
): MemberExplanation {
  const { principal, frameworkId, name } = framework
  const madeAtMs = member.offers === 0 ? undefined : oldestOfferAtMs(leader, framework, role)
  return {
    principal,
    frameworkId,
    role,
    name,
    state: frameworkStateOf(framework),
    suppressed: member.isSuppressed,
    left: member.isLeft,
    tasks: countTasks(framework, role),
    offers: member.offers,
    ...(madeAtMs !== undefined && { oldestOfferMs: Math.round(now.monotonicMs - madeAtMs) }),
    declinedLast: member.isDeclinedLast,
    ...(member.lastDecline !== undefined && declineShown(member.lastDecline, now)),
  }
}

/** They stand in the order in which they were made. */
function oldestOfferAtMs(
  { offers }: LeaderTurn['leader'],
  framework: Framework,
  role: string,
): number | undefined {
  for (const id of framework.offers) {
    const offer = offers.get(id)
    if (offer?.role === role) return offer.madeAtMs
  }
  return undefined
}

/** Of the first that a framework has: it may have a million. */
function countTasks({ tasks, roles }: Framework, role: string): number {
  if (roles.size === 1) return tasks.size
  let [count, left] = [0, TASKS_LOOKED_MAX]
  for (const task of tasks.values()) {
    if (left === 0) break
    left -= 1
    if (task.role === role) count += 1
  }
  return count
}

const declineShown = (
  { reason, atMs }: LastDecline,
  { monotonicMs }: Now,
): Pick<MemberExplanation, 'declinedMs' | 'declineReason'> => ({
  declinedMs: Math.round(monotonicMs - atMs),
  ...(reason !== undefined && { declineReason: reason }),
})

/** The first of them, which are the oldest. */
export function offersShown(
  { now }: LeaderTurn,
  offers: Iterable<Offer>,
  offerCount: number,
): Required<Pick<Explanation, 'offers' | 'offerCount'>> {
  const shown: NonNullable<Explanation['offers']> = []
  for (const { framework, role, agentId, madeAtMs } of offers) {
    if (shown.length === EXPLAINED_OFFERS_MAX) break
    const { principal, frameworkId } = framework
    const ageMs = Math.round(now.monotonicMs - madeAtMs)
    shown.push({ principal, frameworkId, role, agentId, ageMs })
  }
  return { offers: shown, offerCount }
}

export interface TaskKey extends FrameworkKey {
  readonly taskId: TaskId
}

/** The one that has the id, or the last that had it, also if its framework has ended with it. */
export function taskOf(turn: LeaderTurn, key: TaskKey): Task | undefined {
  const isIt = ({ framework, taskId }: Task): boolean =>
    taskId === key.taskId && framework.key === frameworkKey(key)
  return (
    frameworkOf(turn, key)?.tasks.get(key.taskId) ?? [...turn.leader.ended.values()].findLast(isIt)
  )
}

/** Its newest status, as far as it is kept. */
export function statusShown(turn: LeaderTurn, task: Task): TaskStatus {
  const { taskId, launch, agentId, number, said, changedAtMs } = task
  const unreachableAtMs = turn.leader.agents.get(agentId)?.unreachableAtMs
  const fate = fateOf(turn, task)
  const { state, message } = fate ?? { state: task.state, message: said?.message }
  return {
    taskId,
    state,
    launch,
    agentId,
    ...(number !== undefined && { number }),
    source: said === undefined || fate !== undefined ? 'master' : 'agent',
    ...(message !== undefined && { message }),
    ...(said?.exit !== undefined && { exit: said.exit }),
    ...task.health,
    atMs: changedAtMs,
    ...(state === 'TASK_UNREACHABLE' && unreachableAtMs !== undefined && { unreachableAtMs }),
  }
}
