/** `dev.json` in the state folder: which `bourse dev` runs, and where its cluster is. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stateFolder } from './state-folder.ts'

export interface DevFile {
  readonly pid: number
  /** Tells the process from a later one of the same pid; empty where the system does not say. */
  readonly started: string
  readonly cluster: string
  /** Absent while it starts. */
  readonly url?: string
}

export const devFilePath = (env: Readonly<Record<string, string | undefined>>): string =>
  join(stateFolder(env), 'dev.json')

/** What the file at `path` says; undefined if there is none or who wrote it runs no more. */
export function readDevFile(path: string): DevFile | undefined {
  const file = parseDevFile(readText(path))
  return file !== undefined && isRunning(file) ? file : undefined
}

/** Makes the file, for this process. Gives what it says already when another one runs. */
export function claimDevFile(path: string, cluster: string): DevFile | undefined {
  const mine: DevFile = { pid: process.pid, started: startedAt(process.pid), cluster }
  const draft = `${path}.${process.pid}`
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 })
  try {
    for (;;) {
      if (link(draft, path)) return undefined
      const other = readDevFile(path)
      if (other !== undefined) return other
      removeStale(path)
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Says where the cluster is, once it can be used. Only after `claimDevFile`. */
export function announceDev(path: string, url: string): void {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, JSON.stringify({ ...parseDevFile(readText(path)), url }), { mode: 0o600 })
  renameSync(draft, path)
}

/** Only after `claimDevFile`. */
export const removeDevFile = (path: string): void => rmSync(path, { force: true })

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
  if (readDevFile(aside) !== undefined) link(aside, path)
  rmSync(aside, { force: true })
}

function parseDevFile(text: string | undefined): DevFile | undefined {
  try {
    const value = JSON.parse(text ?? '') as Partial<DevFile> | null
    const { pid, started, cluster, url } = value ?? {}
    if (!Number.isSafeInteger(pid) || typeof started !== 'string' || typeof cluster !== 'string')
      return undefined
    const basic = { pid: pid as number, started, cluster }
    return typeof url === 'string' ? { ...basic, url } : basic
  } catch {
    // Not ours, or torn: nobody is known to run.
    return undefined
  }
}

function isRunning({ pid, started }: DevFile): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!hasCode(error, 'EPERM')) return false
  }
  return startedAt(pid) === started
}

/** When a process began, in the kernel's ticks; empty where there is no `/proc`. */
function startedAt(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`)
  // The name in parentheses may hold anything; the start is the twentieth field after it.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
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
