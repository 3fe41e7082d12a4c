/** A leader that says nothing for too long, where that is not our own connection's fault. */
import { openSession } from './opening.ts'
import { count, type Turn } from './turn.ts'

/** The deadline is set once and moved on when it comes: messages only note that they came. */
export function onSilenceDue({ state, now, effects }: Turn): void {
  const { link } = state
  if (link.phase !== 'open') return
  const dueAtMs = link.heardAtMs + link.silenceMs
  if (now.monotonicMs < dueAtMs) {
    state.deadlines.set('silence', dueAtMs, { due: 'silence' })
    return
  }
  // Our own connection may be what is silent, or we ourselves were: its echo comes after all that
  // waits.
  link.isEchoing = true
  effects.push({ do: 'echo' })
}

export function onEcho(turn: Turn, isAlive: boolean): void {
  const { state, now } = turn
  const { link } = state
  if (link.phase !== 'open' || !link.isEchoing) return
  link.isEchoing = false
  if (isAlive && now.monotonicMs >= link.heardAtMs + link.silenceMs) {
    count(turn, 'silence')
    return openSession(turn)
  }
  state.deadlines.set('silence', now.monotonicMs + link.silenceMs, { due: 'silence' })
}
