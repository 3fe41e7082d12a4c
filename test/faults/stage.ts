/** What a row is given: a place for files, whether to load the cluster, and an end to all of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startReaper } from '../lab/reaper.ts'

export interface Stage {
  /** Tasks are to be launched all the time while the fault happens. */
  readonly isLoaded: boolean
  /** Empty. What lies in here tells whoever asks why a row was not survived. */
  readonly folder: string
  /** Calls it when the run is over, however it ends; the last one first. */
  onEnd(close: () => unknown): void
}

export interface OpenStage extends Stage {
  readonly keepsFiles: boolean
  /** Resolves to what did not end well, one sentence each. The files are still there. */
  close(): Promise<readonly string[]>
  /** Afterwards. `keep`: the files stay. */
  leave(options: { readonly keep: boolean }): void
}

export interface StageOptions {
  readonly isLoaded: boolean
  /** All files stay, however it ends. Default false: those of a row that was survived go. */
  readonly keepsFiles?: boolean
}

export function openStage({ isLoaded, keepsFiles = false }: StageOptions): OpenStage {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-fault-'))
  const reaper = startReaper(folder)
  if (keepsFiles) reaper.keep()
  const closing: (() => unknown)[] = []
  return {
    isLoaded,
    folder,
    keepsFiles,
    onEnd: (close) => void closing.push(close),
    async close() {
      const problems: string[] = []
      for (const closeOne of closing.splice(0).reverse())
        try {
          await closeOne()
        } catch (error) {
          problems.push(`at its end: ${error instanceof Error ? error.message : String(error)}`)
        }
      return problems
    },
    leave({ keep }) {
      if (!keep) rmSync(folder, { recursive: true, force: true })
      reaper.dismiss()
    },
  }
}
