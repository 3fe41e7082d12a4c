/** Whether offers are wanted. One change is on its way at a time: none can overtake another. */
import { softenDeclines, startCall } from './calls.ts'
import type { DemandInput } from './inputs.ts'
import type { SchedulerState } from './state.ts'
import type { Turn } from './turn.ts'

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
  state.demands = state.demands
    .map((demand) => ({ ...demand, roles: demand.roles.filter((role) => !roles.includes(role)) }))
    .filter((demand) => demand.roles.length > 0)
  state.demands.push({ verb, roles })
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
  const call = startCall(turn, { verb: demand.verb, body: { roles: [...demand.roles] } })
  state.demanding = { call, demand }
}

/** The session is over: what was not answered is said again in the next. */
export function giveUpDemand({ state }: Turn): void {
  if (state.demanding === undefined) return
  state.demands.unshift(state.demanding.demand)
  state.demanding = undefined
}
