/** Kill scope of last resort: a session. A task that makes itself a new one escapes. */

import { allPids, isAlive, type ProcessIdentity, readStat, signalPid } from '../proc.ts'
import type { KillScope } from './scope.ts'

/**
 * `leader` is the task's own process; it may not have made its session yet. `endedTicks`: when it
 * ended, if nobody has looked since. Its number may have become another session's: that has no
 * member as old.
 */
export function sessionScope(leader: ProcessIdentity, endedTicks?: number): KillScope {
  // A clock that says that it ended before it began is not the one by which processes start.
  const untilTicks =
    endedTicks !== undefined && endedTicks >= leader.startTicks ? endedTicks : NEVER
  let isSame = untilTicks === NEVER
  const members = (): number[] => {
    const found = membersOf(leader)
    // While one of them lives nobody else gets the number.
    isSame ||= found.some(({ startTicks }) => startTicks <= untilTicks)
    return isSame ? found.map(({ pid }) => pid) : []
  }
  const signalAll = (signal: 'SIGTERM' | 'SIGKILL') => {
    for (const pid of members()) signalPid(pid, signal)
  }
  return {
    terminate: () => signalAll('SIGTERM'),
    kill: () => signalAll('SIGKILL'),
    pids: members,
    isEmpty: () => members().length === 0,
    remove: () => true,
  }
}

const NEVER = Number.POSITIVE_INFINITY

function membersOf(leader: ProcessIdentity): readonly ProcessIdentity[] {
  const stat = readStat(leader.pid)
  // The kernel gives no pid away that still names a session: so the session is over.
  if (stat !== undefined && stat.startTicks !== leader.startTicks) return []
  const members = allPids().flatMap((pid) => {
    const member = pid === leader.pid ? undefined : readStat(pid)
    if (member?.session !== leader.pid || member.zombie) return []
    return [{ pid, startTicks: member.startTicks }]
  })
  return isAlive(leader) ? [leader, ...members] : members
}
