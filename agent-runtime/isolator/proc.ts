/**
 * What /proc says about processes. That one is gone is no error, as it may be at any moment. That
 * they cannot be listed is: whoever took it for an empty list would think that nobody lives.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { LINUX_CAPABILITIES } from '../../protocol/linux.ts'

/** A pid alone names a stranger as soon as it is used again; with its start time it does not. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks from boot to the start of the process. */
  readonly startTicks: number
}

/** USER_HZ: of the kernel towards programs, whatever it counts by itself. */
export const TICKS_PER_SECOND = 100

export interface ProcessStat {
  readonly zombie: boolean
  readonly parent: number
  readonly session: number
  readonly startTicks: number
}

export function readStat(pid: number): ProcessStat | undefined {
  const text = readText(`/proc/${pid}/stat`)
  // The name in parentheses may hold anything, so fields are counted from its end: state is [0].
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  if (fields === undefined || fields.length < 20) return undefined
  return {
    zombie: fields[0] === 'Z' || fields[0] === 'X',
    parent: Number(fields[1]),
    session: Number(fields[3]),
    startTicks: Number(fields[19]),
  }
}

/** True if this very process exists and has not ended. */
export function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  const stat = readStat(pid)
  return stat !== undefined && !stat.zombie && stat.startTicks === startTicks
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startTicks: readStat(process.pid)?.startTicks ?? 0 }
}

/** Every process that this one can see. @throws where too many files are open. */
export function allPids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
}

/**
 * `fileId` of each file that is the standard error of some process. One that is not ours to look at
 * is left out, unless it runs `program`.
 *
 * @throws {Error} of the system, where too many files are open, or where one that runs `program` is
 * not ours to look at: it may have any file.
 */
export function standardErrors(program: string): ReadonlySet<string> {
  const found = allPids().map((pid) => {
    try {
      return fileId(`/proc/${pid}/fd/2`)
    } catch (error) {
      // This may be read of everybody's. What cannot be read may be anything.
      if (readText(`/proc/${pid}/cmdline`)?.includes(program) !== false) throw error
      return undefined
    }
  })
  return new Set(found.filter((id) => id !== undefined))
}

/**
 * Which file it is, whatever it is called; undefined if it, or the process it is of, is gone.
 *
 * @throws {Error} of the system, where it is not ours to look at.
 */
export function fileId(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path)
    return `${dev} ${ino}`
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error
    return undefined
  }
}

/** A process that is gone or is not ours to signal counts as signalled: the caller looks again. */
export function signalPid(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}

/** The text of a small file, or undefined if it cannot be read now. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Gone, or not ours: to the caller both are "not there".
    return undefined
  }
}

/** Which namespace a process is in, to compare; undefined if it is gone or not ours to look at. */
export function namespaceOf(pid: number, kind: 'pid' | 'pid_for_children'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`)
  } catch {
    // Gone, or somebody else's: to the caller both are "not there".
    return undefined
  }
}

/** What the agent itself may do. */
export function ownCapabilities(): ReadonlySet<string> {
  const status = readText('/proc/self/status') ?? ''
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  return new Set(LINUX_CAPABILITIES.filter((_, bit) => (bits >> BigInt(bit)) & 1n))
}
