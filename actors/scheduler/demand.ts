/**
 * Whether offers are wanted, and which, and who the framework is. One change is on its way at a
 * time: none can overtake another.
 */
import { softenDeclines, startCall } from './calls.ts'
import type { DemandInput, UpdateInput } from './inputs.ts'
import type { Demand, SchedulerState } from './state.ts'
import { settingsAfter } from './terms.ts'
import { refuseShape, settle, settleRefused, type Turn } from './turn.ts'

export function onDemand({ state }: Turn, { kind, roles: given }: DemandInput): void {
  const verb = kind === 'framework.suppress' ? 'suppress' : 'revive'
  const roles = (given ?? state.settings.roles).filter((role) =>
    state.settings.roles.includes(role),
  )
  if (roles.length === 0) return
  for (const role of roles) {
    if (verb === 'suppress') state.suppressed.add(role)
    else state.suppressed.delete(role)
  }
  // What was to be said of these roles before is out of date.
  state.demands = state.demands.map((demand) => without(demand, roles)).filter(saysAnything)
  state.demands.push({ verb, roles })
}

function without(demand: Demand, roles: readonly string[]): Demand {
  if (demand.verb === 'update') return demand
  return { ...demand, roles: demand.roles.filter((role) => !roles.includes(role)) }
}

const saysAnything = (demand: Demand): boolean =>
  demand.verb === 'update' || demand.roles.length > 0

/** It counts when the leader has taken it in, and in each session from then on. */
export function onUpdate(turn: Turn, { ask, changes }: UpdateInput): void {
  const { state } = turn
  if (state.link.phase === 'closed') return settle(turn, ask, { outcome: 'unknown' })
  const wrong = refuseShape('UpdateFramework', changes)
  if (wrong !== undefined) return settleRefused(turn, ask, wrong)
  state.demands.push({ verb: 'update', changes, ask })
}

export function hasDemand({ demands, demanding }: SchedulerState): boolean {
  return demands.length > 0 && demanding === undefined
}

/** Says the next change, after the declines of the turn: a revive clears their filters. */
export function flushDemand(turn: Turn): void {
  const { state } = turn
  if (!hasDemand(state)) return
  const demand = state.demands.shift()
  if (demand === undefined) return
  if (demand.verb === 'revive') softenDeclines(turn)
  state.demanding = { call: sayDemand(turn, demand), demand }
}

function sayDemand(turn: Turn, demand: Demand) {
  if (demand.verb === 'update')
    return startCall(turn, { verb: 'update', body: { ...demand.changes } }, demand.ask)
  return startCall(turn, { verb: demand.verb, body: { roles: [...demand.roles] } })
}

/** The leader has taken the change in, or refuses it; its call is over. */
export function onDemandDone({ state }: Turn, isRefused: boolean): void {
  const { demand } = state.demanding ?? {}
  state.demanding = undefined
  if (demand?.verb !== 'update' || isRefused) return
  state.settings = settingsAfter(state.settings, demand.changes)
  const { roles } = state.settings
  for (const role of state.suppressed) if (!roles.includes(role)) state.suppressed.delete(role)
  // What waits to be said was said of roles that there were.
  state.demands = state.demands
    .map((later) => without(later, later.verb === 'update' ? [] : leftOf(later.roles, roles)))
    .filter(saysAnything)
}

const leftOf = (said: readonly string[], roles: readonly string[]): readonly string[] =>
  said.filter((role) => !roles.includes(role))

/** The session is over: what was not answered is said again in the next. */
export function giveUpDemand({ state }: Turn): void {
  if (state.demanding === undefined) return
  state.demands.unshift(state.demanding.demand)
  state.demanding = undefined
}
