/** A child process that does not outlive its owner, not even one killed with -9. */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { ClusterError } from '../../protocol/errors.ts'

/**
 * Starts "$@" in the background, says its pid, and ends it when the owner's end of the pipe on
 * standard input is closed, which the kernel does for a dead owner. Exits with its status.
 */
const SCRIPT = `
exec 3<&0
"$@" </dev/null >&2 3<&- &
child=$!
echo "$child"
exec >&-
(
  while read -r _; do :; done
  kill -TERM "$child"
  kill -CONT "$child"
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    kill -0 "$child" || exit
  done
  kill -KILL "$child"
) <&3 2>/dev/null &
watcher=$!
exec 3<&-
wait "$child"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
`

/** How a process ended. */
export type ProcessEnd = { readonly code: number } | { readonly signal: string }

export interface Guarded {
  readonly pid: number
  readonly isRunning: boolean
  /** Resolves when it has ended. */
  readonly ended: Promise<ProcessEnd>
  signal(signal: 'SIGTERM' | 'SIGKILL'): void
}

/**
 * Starts `command`, whose output goes to the file `logFd`.
 * @throws {ClusterError} `bus/no-shell`.
 */
export async function startGuarded(command: readonly string[], logFd: number): Promise<Guarded> {
  // In a session of its own: a Ctrl-C at the terminal is for the owner.
  const guardian = spawn('sh', ['-c', SCRIPT, 'bourse-guardian', ...command], {
    detached: true,
    stdio: ['pipe', 'pipe', logFd],
  })
  const pid = await firstNumber(guardian)
  let isRunning = true
  const signal = (name: 'SIGTERM' | 'SIGKILL'): void => {
    if (isRunning) trySignal(pid, name)
  }
  const ended = new Promise<ProcessEnd>((resolve) => {
    guardian.once('exit', (code, killedBy) => {
      // Somebody killed the guardian: nobody else watches the child.
      if (killedBy !== null) trySignal(pid, 'SIGKILL')
      isRunning = false
      resolve(killedBy === null ? endOf(code ?? 0) : { signal: killedBy })
    })
  })
  return {
    pid,
    ended,
    signal,
    get isRunning() {
      return isRunning
    },
  }
}

/** What the status of a shell says of its child: above 128 a signal ended it. */
function endOf(status: number): ProcessEnd {
  const named = Object.entries(constants.signals).find(([, number]) => number === status - 128)
  return named === undefined ? { code: status } : { signal: named[0] }
}

function firstNumber(guardian: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    guardian.once('error', (cause) =>
      reject(new ClusterError('bus/no-shell', 'never', 'cannot start sh', { cause })),
    )
    guardian.stdin?.on('error', () => undefined)
    guardian.stdout?.once('data', (line: Buffer) => resolve(Number(line.toString())))
  })
}

function trySignal(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It is gone already.
  }
}
