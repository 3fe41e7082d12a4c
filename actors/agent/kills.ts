/** Tasks that are killed, and what they take with them: the rest of their group. */
import { KILL_GRACE_MS } from '../../protocol/limits.ts'
import type { Now } from '../../protocol/now.ts'
import type { Kill } from '../../protocol/schema/agent.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { endChecks } from './checks/checks.ts'
import { killRecord } from './compaction.ts'
import { findFramework, forgetTask, record } from './held.ts'
import { type AgentState, stateOf, type Task } from './state.ts'
import { type News, report, type Told } from './streams.ts'

/**
 * Kills what the order names, of one launch or of all; a task that is not here is the leader's to
 * reconcile.
 */
export function obeyKill(state: AgentState, order: Kill, now: Now): void {
  const launches = findFramework(state, order)?.launches.get(order.taskId) ?? []
  const isMeant = (task: Task): boolean =>
    !isTerminal(stateOf(task)) && (order.launch === undefined || order.launch === task.launch)
  const alive = launches.filter(isMeant)
  if (alive.length === 0) state.counts.unknownTask += 1
  for (const task of alive) {
    const graceMs = order.graceMs ?? task.killGraceMs ?? KILL_GRACE_MS
    killTask(state, task, { graceMs, now })
  }
}

/** Kills a task that has not ended. One that has no container yet never gets one. */
export function killTask(
  state: AgentState,
  task: Task,
  { graceMs, now }: { readonly graceMs: number; readonly now: Now },
): void {
  if (task.container === 'waiting' || task.container === 'none') {
    state.outbox.launches.delete(task.launch)
    task.container = 'none'
    endTask(state, task, { news: killedDuringLaunch(task), now })
    return
  }
  endChecks(state, task)
  const { kills } = state.outbox
  kills.set(task.launch, Math.min(graceMs, kills.get(task.launch) ?? graceMs))
  const byMs = now.wallMs + graceMs
  if (task.killedWithMs === undefined || byMs < (task.killByMs ?? Number.POSITIVE_INFINITY)) {
    task.killedWithMs = graceMs
    task.killByMs = byMs
    record(state, killRecord(task))
  }
  if (stateOf(task) === 'TASK_RUNNING' && !task.framework.isOver) {
    report(state, task, { news: { state: 'TASK_KILLING' }, now })
  }
}

/** After a restart. Of its grace only the rest is left, or all of it to a clock that went back. */
export function repeatKill({ outbox: { kills } }: AgentState, task: Task, now: Now): void {
  const { launch, killedWithMs, killByMs } = task
  if (killedWithMs === undefined) return
  const leftMs = killByMs === undefined ? killedWithMs : Math.max(0, killByMs - now.wallMs)
  kills.set(launch, Math.min(leftMs, killedWithMs, kills.get(launch) ?? killedWithMs))
}

export function killedDuringLaunch({ groupEnd }: Task): News {
  const message = 'the task was killed before it started'
  return groupEnd === undefined
    ? { state: 'TASK_KILLED', reason: 'KILLED_DURING_LAUNCH', message }
    : { state: 'TASK_KILLED', reason: 'GROUP_ENDED', message: `${groupEnd}; ${message}` }
}

/** The task is over, and unless it has finished, so is its group. */
export function endTask(state: AgentState, task: Task, told: Told): void {
  finish(state, task, told)
  endGroup(state, task, told.now)
}

/** The task is over. Of a framework that is over nobody is told. */
export function finish(state: AgentState, task: Task, told: Told): void {
  if (task.framework.isOver) forgetTask(state, task)
  else report(state, task, told)
}

/** Kills what is left of the group of a task that has ended badly. */
function endGroup(state: AgentState, task: Task, now: Now): void {
  if (task.group === undefined || task.framework.isOver || !hasEndedBadly(task)) return
  const others = [...(state.groups.get(task.group) ?? [])].filter(isToDie)
  const groupEnd = `${task.taskId} of its group has ended: ${stateOf(task)}`
  // All of them first: when one of them ends at once, it is not what has ended the others.
  for (const other of others) other.groupEnd = groupEnd
  for (const other of others) {
    killTask(state, other, { graceMs: other.killGraceMs ?? KILL_GRACE_MS, now })
  }
}

/** After a restart, in which members may have ended unseen. */
export function endBrokenGroups(state: AgentState, now: Now): void {
  for (const members of state.groups.values()) {
    const bad = [...members].find(hasEndedBadly)
    if (bad !== undefined) endGroup(state, bad, now)
  }
}

function hasEndedBadly(task: Task): boolean {
  const end = stateOf(task)
  return isTerminal(end) && end !== 'TASK_FINISHED'
}

/** It lives, and nobody has killed it yet. */
function isToDie(task: Task): boolean {
  const { killedWithMs, groupEnd } = task
  return (killedWithMs ?? groupEnd) === undefined && !isTerminal(stateOf(task))
}
