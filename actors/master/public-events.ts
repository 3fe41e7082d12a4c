/** What the world hears. */
import type { PublicEvents } from '../../protocol/schema/event.ts'
import type { EventSubject } from './effects.ts'
import type { LeaderTurn } from './turn.ts'

export type WorldEvent = Omit<PublicEvents['events'][number], 'atMs'>

/** Where events of one framework or task go also says whose they are. */
export function tellWorld(turn: LeaderTurn, subject: EventSubject, event: WorldEvent): void {
  const { kind, what, framework } = subject
  const of = framework && {
    principal: framework.principal,
    frameworkId: framework.frameworkId,
  }
  const key = of ? `${kind} ${of.principal}.${of.frameworkId} ${what}` : `${kind} ${what}`
  const to = { kind, what, ...(of && { framework: of }) }
  turn.leader.publicEvents.add(key, to, { atMs: turn.now.wallMs, ...event, ...of })
}
