/** A file that belongs to the process that made it, as long as that process runs. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder } from '../make-folder.ts'

/** A process; what its file holds, among other things. */
export interface Claimer {
  readonly pid: number
  /** Tells the process from a later one of the same pid; empty where the system does not say. */
  readonly started: string
}

/** This process. */
export const ownClaimer = (): Claimer => ({ pid: process.pid, started: startedAt(process.pid) })

/** What the file at `path` says; undefined if there is none or who wrote it runs no more. */
export function readClaim(path: string): (Claimer & Readonly<Record<string, unknown>>) | undefined {
  const claim = parseClaim(readText(path))
  return claim !== undefined && isRunning(claim) ? claim : undefined
}

/** Who wrote the file at `path` and runs no more, without having removed it. */
export function readDeadClaim(path: string): Claimer | undefined {
  const claim = parseClaim(readText(path))
  return claim === undefined || isRunning(claim) ? undefined : claim
}

/**
 * Makes the file, for this process, with `fields` in it. Gives what it says already when it is
 * another's; of several that try at once, one gets it.
 */
export function claimFile(path: string, fields: object = {}): ReturnType<typeof readClaim> {
  const draft = `${path}.${process.pid}`
  makeFolder(dirname(path))
  writeFileSync(draft, JSON.stringify({ ...ownClaimer(), ...fields }), { mode: 0o600 })
  try {
    for (;;) {
      if (link(draft, path)) return undefined
      const other = readClaim(path)
      if (other !== undefined) return other
      removeStale(path)
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Says more in it. Only after `claimFile`. */
export function amendClaim(path: string, fields: object): void {
  const draft = `${path}.${process.pid}`
  const claim = parseClaim(readText(path)) ?? ownClaimer()
  writeFileSync(draft, JSON.stringify({ ...claim, ...fields }), { mode: 0o600 })
  renameSync(draft, path)
}

/** Only after `claimFile`. */
export const dropClaim = (path: string): void => rmSync(path, { force: true })

function link(draft: string, path: string): boolean {
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** Somebody else may have done it meanwhile and claimed the file: theirs is put back. */
function removeStale(path: string): void {
  const aside = `${path}.${process.pid}.stale`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  if (readClaim(aside) !== undefined) link(aside, path)
  rmSync(aside, { force: true })
}

function parseClaim(text: string | undefined): ReturnType<typeof readClaim> {
  try {
    const value = JSON.parse(text ?? '') as Readonly<Record<string, unknown>> | null
    const { pid, started } = value ?? {}
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid)) return undefined
    return typeof started === 'string' ? { ...value, pid, started } : undefined
  } catch {
    // Not ours, or torn: nobody is known to run.
    return undefined
  }
}

function isRunning({ pid, started }: Claimer): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!hasCode(error, 'EPERM')) return false
  }
  return statOf(pid)?.[0] !== 'Z' && startedAt(pid) === started
}

/** When a process began, in the kernel's ticks; empty where there is no `/proc`. */
const startedAt = (pid: number): string => statOf(pid)?.[19] ?? ''

/** What the kernel says of it, from its state on: the name before that may hold anything. */
function statOf(pid: number): readonly string[] | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Not there, or not ours to read: the same to us.
    return undefined
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
