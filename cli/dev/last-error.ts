/** Why a process of a `bourse dev` ended, as its log tells. */
import { closeSync, openSync, readSync, statSync } from 'node:fs'

/** So much of the end of a log is looked at. */
const TAIL_BYTES_MAX = 65_536
/** What a command says that cannot begin, or go on. */
const SENTENCE = /^bourse: (.+)/

/** None if it is not there yet. */
export const bytesOf = (path: string): number =>
  statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** The last error behind the first `from` bytes of the log, as a sentence. */
export function lastError(path: string, from: number): string | undefined {
  for (const line of tailOf(path, from).split('\n').reverse()) {
    const error = line.startsWith('{') ? errorIn(line) : SENTENCE.exec(line)?.[1]
    if (error !== undefined) return error
  }
  return undefined
}

function tailOf(path: string, from: number): string {
  try {
    const end = bytesOf(path)
    const begin = Math.max(from, end - TAIL_BYTES_MAX)
    return end > begin ? read(path, begin, end) : ''
  } catch {
    // Whoever ended has ended, and is started again, also where nobody can tell why.
    return ''
  }
}

function read(path: string, begin: number, end: number): string {
  const fd = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(end - begin)
    const length = readSync(fd, bytes, 0, bytes.length, begin)
    return bytes.toString('utf8', 0, length)
  } finally {
    closeSync(fd)
  }
}

/** The first line may be cut. */
function errorIn(line: string): string | undefined {
  try {
    const { level, message } = JSON.parse(line) as { level?: unknown; message?: unknown }
    return level === 'error' && typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}
