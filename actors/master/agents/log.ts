/** What the log says of agents: a line for each; when many do so at once, how many. */
import type { AgentSeen } from '../entities.ts'
import { type LeaderTurn, log, warn } from '../turn.ts'

/** In a second. Whoever reads the log may be slower than agents come back after a takeover. */
const LINES_MAX = 16
const LINES_MS = 1_000

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
  if (seen.length > linesLeft(turn)) {
    const tasks = seen.reduce((sum, { tasks }) => sum + tasks, 0)
    say(turn, many, { agents: seen.length, tasks })
    return
  }
  turn.leader.agentLines.said += seen.length
  for (const agent of seen) say(turn, one, { ...agent })
}

function linesLeft({ leader, now }: LeaderTurn): number {
  const { agentLines } = leader
  if (now.monotonicMs - agentLines.sinceMs >= LINES_MS) {
    agentLines.sinceMs = now.monotonicMs
    agentLines.said = 0
  }
  return LINES_MAX - agentLines.said
}
