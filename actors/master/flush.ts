/** The end of a turn: what is to be said becomes numbered messages. */
import { nextNumber } from '../parts/session.ts'
import { tellFailures, wantsToTellFailures } from './agents/failures.ts'
import { fillRoom } from './agents/inviting.ts'
import { logAgents } from './agents/log.ts'
import { partSome } from './agents/parting.ts'
import { allocatorWantsFlush, flushFigures } from './allocator/figures.ts'
import { frameworkOf } from './books.ts'
import { refilter } from './offers/filters.ts'
import { tellSome } from './reconcile.ts'
import { considerLimits } from './roles/recovery.ts'
import { takeBackSome } from './roles/take-back.ts'
import type { Leader } from './state.ts'
import { fenceOf, type LeaderTurn } from './turn.ts'

export function wantsFlush(leader: Leader): boolean {
  return (
    !leader.orders.isEmpty ||
    !leader.events.isEmpty ||
    !leader.publicEvents.isEmpty ||
    leader.recovery.hasRoom ||
    leader.registrations.length + leader.losses.length > 0 ||
    leader.telling.size + leader.refiltered.size + leader.partings.size > 0 ||
    wantsToTellFailures(leader) ||
    leader.roles.takingBack.size > 0 ||
    allocatorWantsFlush(leader)
  )
}

export function flush(turn: LeaderTurn): void {
  fillRoom(turn)
  logAgents(turn)
  considerLimits(turn)
  refilter(turn)
  tellSome(turn)
  partSome(turn)
  tellFailures(turn)
  takeBackSome(turn)
  // An agent forgets the ends that its leader has heard of: what is told of them goes first.
  flushEvents(turn)
  flushOrders(turn)
  flushFigures(turn)
  flushPublic(turn)
}

function flushOrders(turn: LeaderTurn): void {
  const { leader, effects } = turn
  const { epoch, run } = fenceOf(turn)
  for (const { to: agentId, lists } of leader.orders.takeAll()) {
    const session = leader.agents.get(agentId)?.session
    if (session === undefined) continue
    for (const orders of lists) {
      const { id, heard } = session
      const n = nextNumber(session)
      const body = { epoch, run, session: id, n, heard, orders: [...orders] }
      effects.push({ do: 'send-orders', agentId, body })
    }
  }
}

function flushEvents(turn: LeaderTurn): void {
  const { leader, effects } = turn
  for (const { to: key, lists } of leader.events.takeAll()) {
    const { principal, frameworkId } = key
    const session = frameworkOf(turn, key)?.session
    for (const events of lists) {
      const numbers = session && {
        session: session.id,
        n: nextNumber(session),
        heard: session.heard,
      }
      const body = { ...fenceOf(turn), ...numbers, events: [...events] }
      effects.push({ do: 'send-events', principal, frameworkId, body })
    }
  }
}

function flushPublic(turn: LeaderTurn): void {
  const { leader, effects } = turn
  for (const { to: subject, lists } of leader.publicEvents.takeAll()) {
    for (const events of lists) {
      leader.publicCount += 1
      const body = { ...fenceOf(turn), n: leader.publicCount, events: [...events] }
      effects.push({ do: 'send-public', subject, body })
    }
  }
}
