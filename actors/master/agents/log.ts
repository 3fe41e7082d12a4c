/** What the log says of agents: a line for each; when many do the same at once, how many. */
import { type LeaderTurn, log } from '../turn.ts'

/** In one turn. Whoever reads the log may be slower than agents come back after a takeover. */
const LINES_MAX = 16

export function logRegistrations(turn: LeaderTurn): void {
  const registrations = turn.leader.registrations.splice(0)
  if (registrations.length > LINES_MAX) {
    const tasks = registrations.reduce((sum, { tasks }) => sum + tasks, 0)
    log(turn, 'agents have registered', { agents: registrations.length, tasks })
  } else for (const one of registrations) log(turn, 'an agent has registered', { ...one })
}
