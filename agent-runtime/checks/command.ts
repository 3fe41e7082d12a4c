/**
 * Checks that are commands. One runs as its task does: in its sandbox, with its environment, as its
 * user, and where a kill of the task reaches it, too.
 *
 * In a cgroup it has one of its own below the task's: when it has ended or is late, all that it
 * started is killed, whatever that did to get away. In a pid namespace or a session its own session
 * is: what makes another for itself goes with the task, or, in a session, escapes as the task may.
 * A session is written down before the command begins: if the agent dies, the next one ends it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../bus/clock.ts'
import type { CheckRun, CheckSeen, Command, Exit } from '../containerizer/containerizer.ts'
import { commandOf } from '../containerizer/launch-file.ts'
import { cgroupScope } from '../isolator/kill/cgroup.ts'
import type { Place } from '../isolator/kill/kill.ts'
import type { KillScope } from '../isolator/kill/scope.ts'
import { sessionScope } from '../isolator/kill/session.ts'
import { childOf, wayInto } from '../isolator/namespaces/entering.ts'
import { readStat, signalPid } from '../isolator/proc.ts'
import { LAUNCHER_ENV } from '../launcher/launcher.ts'
import type { Attempt } from './attempt.ts'
import { WORDS_MS_MAX, Words } from './words.ts'

/**
 * Reads how the task runs from its launch file, and takes the command's place there. The file is
 * open, as the task may not see it where it lies.
 */
const SCRIPT = `\
check=yes into=$1
shift
. /proc/self/fd/3
exec 3<&-
if [ "$session" ]; then
  read -r pid _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ ticks _ </proc/self/stat
  echo "$pid $ticks" >&4
fi 2>/dev/null
exec 4>&-
join || exit
if [ "$into" ]; then echo 0 >"$into/cgroup.procs" || exit; fi
cd "$sandbox" || exit
exec "$@"`

/** Of its standard error so much is read; what writes more ends by SIGPIPE. */
const READ_BYTES_MAX = 64 * 1024
/** How soon it is looked again whether all is dead, at first and at last. */
const POLL_MS_MIN = 2
const POLL_MS_MAX = 200

/** Where a check of a container runs. */
export interface CheckPlace extends Place {
  /** Its launch file. */
  readonly file: string
  /** A file that is not there yet, for the session of a command. */
  readonly note: string
}

export interface CommandCheck {
  readonly run: Pick<CheckRun, 'which'>
  readonly command: Command
  readonly place: CheckPlace
  readonly clock: Clock
}

export function runCommand(check: CommandCheck, tell: (seen: CheckSeen) => void): Attempt {
  const { place, clock } = check
  let child: ChildProcess
  let own: KillScope | undefined
  try {
    own = ownCgroup(check)
    child = begin(check)
  } catch (error) {
    forgetSession(place)
    clock.soon(() => tell({ unmade: (error as Error).message }))
    return { stop: (done) => done() }
  }
  const words = listen(child)
  const scope = own ?? ownSession(place, child)
  child.on('error', (error) => {
    forgetSession(place)
    tell({ unmade: error.message })
  })
  child.on('exit', (code, signal) => {
    // By now its pid names nothing but its session.
    if (place.hold.kind === 'session' && child.pid !== undefined)
      sessionScope({ pid: child.pid, startTicks: 0 }).kill()
    forgetSession(place)
    const end = (): void => tell({ exit: exitOf(code, signal), ...words.said })
    const wordsRead = (): void => {
      // What still writes is a process that no kill scope holds.
      child.once('close', end)
      // Where the loop was late, the time is over before anybody has read.
      clock.after(WORDS_MS_MAX, () => clock.soon(end))
    }
    emptied(own ?? scope, clock, child.stderr?.closed === false ? wordsRead : end)
  })
  return {
    stop(done) {
      scope.kill()
      emptied(scope, clock, done)
    },
  }
}

function begin({ command, place, run }: CommandCheck): ChildProcess {
  const { hold, file, note } = place
  const into = hold.kind === 'cgroup' ? cgroupOf(hold.path, run) : ''
  const words = ['/bin/sh', '-c', SCRIPT, 'bourse-check', into, ...commandOf(command)]
  const [program = '', ...args] = [...wayInto(place), ...words]
  const launch = openSync(file, 'r')
  const noted = hold.kind === 'session' ? openNote(note) : undefined
  try {
    // Not detached: setsid(1) would leave a process behind that leads a group.
    const stdio = ['ignore', 'ignore', 'pipe', launch, noted ?? 'ignore'] as const
    return spawn(program, args, { cwd: '/', env: LAUNCHER_ENV, stdio: [...stdio] })
  } finally {
    closeSync(launch)
    if (noted !== undefined) closeSync(noted)
  }
}

/** Undefined: the disk is full, which is no fault of the task. */
function openNote(note: string): number | undefined {
  try {
    return openSync(note, 'w')
  } catch {
    // If the agent dies meanwhile, nobody will know of it.
    return undefined
  }
}

function forgetSession({ hold, note }: CheckPlace): void {
  if (hold.kind !== 'session') return
  try {
    rmSync(note, { force: true })
  } catch {
    // The disk is read-only. Whoever reads it later finds nobody who leads the session.
  }
}

const cgroupOf = (path: string, { which }: Pick<CheckRun, 'which'>): string => join(path, which)

/** An agent that died may have left something in it. */
function ownCgroup({ place: { hold }, run }: CommandCheck): KillScope | undefined {
  if (hold.kind !== 'cgroup') return undefined
  const path = cgroupOf(hold.path, run)
  mkdirSync(path, { recursive: true })
  const scope = cgroupScope(path, hold.how)
  if (!scope.isEmpty()) scope.kill()
  return scope
}

/** All that is in its session, and what enters the task's namespace. */
function ownSession({ inside }: Place, child: ChildProcess): KillScope {
  const { pid = 0 } = child
  const leaderOf = (): KillScope => {
    const leader = inside.includes('pid') ? (childOf(pid) ?? pid) : pid
    return sessionScope({ pid: leader, startTicks: readStat(leader)?.startTicks ?? 0 })
  }
  return {
    terminate: () => leaderOf().terminate(),
    kill() {
      leaderOf().kill()
      // Before it has made its session, or where that has become another's.
      if (isRunning(child)) signalPid(pid, 'SIGKILL')
    },
    pids: () => leaderOf().pids(),
    isEmpty: () => !isRunning(child),
    remove: () => true,
  }
}

const isRunning = ({ exitCode, signalCode, pid }: ChildProcess): boolean =>
  pid !== undefined && exitCode === null && signalCode === null

/** Kills what is in it until nothing is, less and less often, and removes it. */
export function emptied(
  scope: KillScope,
  clock: Clock,
  done: () => void,
  delayMs = POLL_MS_MIN,
): void {
  if (scope.isEmpty()) {
    scope.remove()
    return done()
  }
  scope.kill()
  const nextMs = Math.min(delayMs * 2, POLL_MS_MAX)
  clock.after(delayMs, () => emptied(scope, clock, done, nextMs))
}

function listen({ stderr }: ChildProcess): Words {
  const words = new Words()
  let bytes = 0
  stderr?.on('data', (data: Buffer) => {
    bytes += data.length
    words.add(data)
    if (bytes > READ_BYTES_MAX) stderr.destroy()
  })
  stderr?.on('error', () => {})
  return words
}

function exitOf(code: number | null, signal: NodeJS.Signals | null): Exit {
  if (code !== null) return { code }
  return signal === null ? { unknown: 'nobody saw it' } : { signal }
}
