/** What the world hears. */
import type { PublicEvents } from '../../protocol/schema/event.ts'
import type { EventSubject } from './effects.ts'
import type { LeaderTurn } from './turn.ts'

export type WorldEvent = Omit<PublicEvents['events'][number], 'atMs'>

/** Where events of one framework or task go also says whose they are. */
export function tellWorld(turn: LeaderTurn, subject: EventSubject, event: WorldEvent): void {
  const { kind, what } = subject
  const { publicEvents } = turn.leader
  const atMs = turn.now.wallMs
  if (subject.framework === undefined) {
    publicEvents.add(`${kind} ${what}`, subject, { atMs, ...event })
    return
  }
  const { principal, frameworkId } = subject.framework
  const of = { principal, frameworkId }
  const to = { ...subject, framework: of }
  publicEvents.add(`${kind} ${principal}.${frameworkId} ${what}`, to, { atMs, ...event, ...of })
}
