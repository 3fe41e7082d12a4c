/** What the world hears. */
import type { TaskWord } from '../../protocol/event-words.ts'
import type { TaskStatus } from '../../protocol/schema/common.ts'
import type { PublicEvents } from '../../protocol/schema/event.ts'
import type { EventSubject } from './effects.ts'
import type { Framework, TaskSubject } from './entities.ts'
import type { LeaderTurn } from './turn.ts'

type PublicEvent = PublicEvents['events'][number]
export type WorldEvent = Omit<PublicEvent, 'atMs'>

/** Where an event of one framework goes also says whose it is. */
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

/** Of a task. There are three for each: its event is made in one piece. */
export function tellWorldOfTask(
  { leader, now }: LeaderTurn,
  framework: Framework,
  what: TaskWord,
  { status, name }: { readonly status: TaskStatus; readonly name?: string | undefined },
): void {
  const { principal, frameworkId } = framework
  const event: PublicEvent = { atMs: now.wallMs, principal, frameworkId, status }
  if (status.agentId !== undefined) event.agentId = status.agentId
  if (name !== undefined) event.name = name
  const { key, subject } = taskSubject(framework, what)
  leader.publicEvents.add(key, subject, event)
}

/** Spelled once for each framework. */
function taskSubject(framework: Framework, what: TaskWord): TaskSubject {
  const { key, principal, frameworkId, taskSubjects } = framework
  const known = taskSubjects.get(what)
  if (known !== undefined) return known
  const subject = { kind: 'task', what, framework: { principal, frameworkId } } as const
  const fresh = { key: `task ${key} ${what}`, subject }
  taskSubjects.set(what, fresh)
  return fresh
}
