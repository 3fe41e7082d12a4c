/** Which source a batch has run. */
import { execFileSync } from 'node:child_process'

export interface Revision {
  readonly commit: string
  /** Something that could change what a run does is not committed. */
  readonly isDirty: boolean
}

const SOURCES = ['protocol', 'bus', 'actors', 'agent-runtime', 'test/sim']

/** Where git knows nothing of it: an unknown commit. */
export function revision(): Revision {
  try {
    const git = (...args: readonly string[]): string =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    const commit = git('rev-parse', '--short=10', 'HEAD')
    return { commit, isDirty: git('status', '--porcelain', '--', ...SOURCES) !== '' }
  } catch {
    return { commit: 'unknown', isDirty: true }
  }
}
