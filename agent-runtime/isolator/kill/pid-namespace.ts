/** Kill scope where a user may have a pid namespace: its first process takes all others along. */

import {
  allPids,
  isAlive,
  namespaceOf,
  type ProcessIdentity,
  readStat,
  signalPid,
} from '../proc.ts'
import type { KillScope } from './scope.ts'

/**
 * `keeper` is the process outside that waits for the namespace's first one (`unshare --fork
 * --kill-child`): it ends after everything inside has ended, and its death ends everything.
 *
 * The first process inside is the recording parent: SIGKILL is sent to all others, so that it
 * records the true exit and then ends by itself.
 */
export function pidNamespaceScope(keeper: ProcessIdentity): KillScope {
  const signalAll = (signal: 'SIGTERM' | 'SIGKILL') => {
    for (const pid of membersOf(keeper)) signalPid(pid, signal)
  }
  let killsLeft = KILLS_BEFORE_THE_KEEPER
  return {
    terminate: () => signalAll('SIGTERM'),
    kill() {
      signalAll('SIGKILL')
      // Something forks faster than it can be counted: now the exit status has to go with it.
      if (killsLeft-- <= 0 && isAlive(keeper)) signalPid(keeper.pid, 'SIGKILL')
    },
    pids: () => membersOf(keeper),
    isEmpty: () => !isAlive(keeper),
    remove: () => true,
  }
}

const KILLS_BEFORE_THE_KEEPER = 20

/** All in the namespace but its first process. Nested namespaces die with the SIGKILL of theirs. */
function membersOf(keeper: ProcessIdentity): number[] {
  if (!isAlive(keeper)) return []
  const namespace = namespaceOf(keeper.pid, 'pid_for_children')
  if (namespace === undefined) return []
  const inside = allPids().filter((pid) => namespaceOf(pid, 'pid') === namespace)
  return inside.filter((pid) => readStat(pid)?.parent !== keeper.pid)
}
