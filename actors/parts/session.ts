/** One side of a session: numbers said and heard. A session replaces a connection. */
import type { SessionId } from '../../protocol/ids.ts'

export interface Session {
  readonly id: SessionId
  /** The number of the last message that this side sent; 0: none. */
  said: number
  /** The number of the last message that this side heard; 0: none. */
  heard: number
}

export function newSession(id: SessionId): Session {
  return { id, said: 0, heard: 0 }
}

export function nextNumber(session: Session): number {
  session.said += 1
  return session.said
}

/**
 * Takes note of message number `n`. `repeated`: heard before, drop it. `gap`: something was lost,
 * the session is over.
 */
export function hear(session: Session, n: number): 'next' | 'repeated' | 'gap' {
  if (n <= session.heard) return 'repeated'
  if (n > session.heard + 1) return 'gap'
  session.heard = n
  return 'next'
}
