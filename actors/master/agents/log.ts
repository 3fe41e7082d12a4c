/** What the log says of agents: a line for each; when many do the same at once, how many. */
import type { AgentSeen } from '../entities.ts'
import { type LeaderTurn, log, warn } from '../turn.ts'

/** In one turn. Whoever reads the log may be slower than agents come back after a takeover. */
const LINES_MAX = 16

export function logAgents(turn: LeaderTurn): void {
  const { registrations, losses } = turn.leader
  if (registrations.length + losses.length === 0) return
  const come = { one: 'an agent has registered', many: 'agents have registered' }
  const gone = { one: 'an agent is unreachable', many: 'agents are unreachable' }
  tell(turn, registrations.splice(0), { ...come, say: log })
  tell(turn, losses.splice(0), { ...gone, say: warn })
}

function tell(
  turn: LeaderTurn,
  seen: readonly AgentSeen[],
  { one, many, say }: { readonly one: string; readonly many: string; readonly say: typeof log },
): void {
  if (seen.length > LINES_MAX) {
    const tasks = seen.reduce((sum, { tasks }) => sum + tasks, 0)
    say(turn, many, { agents: seen.length, tasks })
  } else for (const agent of seen) say(turn, one, { ...agent })
}
