/** Kill scope of last resort: a session. A task that makes itself a new one escapes. */

import { allPids, isAlive, type ProcessIdentity, readStat, signalPid } from '../proc.ts'
import type { KillScope } from './scope.ts'

/** `leader` is the task's own process; it may not have made its session yet. */
export function sessionScope(leader: ProcessIdentity): KillScope {
  const signalAll = (signal: 'SIGTERM' | 'SIGKILL') => {
    for (const pid of membersOf(leader)) signalPid(pid, signal)
  }
  return {
    terminate: () => signalAll('SIGTERM'),
    kill: () => signalAll('SIGKILL'),
    pids: () => membersOf(leader),
    isEmpty: () => membersOf(leader).length === 0,
    remove: () => true,
  }
}

function membersOf(leader: ProcessIdentity): number[] {
  const stat = readStat(leader.pid)
  // The kernel gives no pid away that still names a session: so the session is over.
  if (stat !== undefined && stat.startTicks !== leader.startTicks) return []
  const pids = allPids().filter((pid) => {
    const member = readStat(pid)
    return member?.session === leader.pid && !member.zombie
  })
  return isAlive(leader) ? [...new Set([leader.pid, ...pids])] : pids
}
