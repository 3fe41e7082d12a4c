/** What a row is given: a place for files, whether to load the cluster, and an end to all of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Stage {
  /** Tasks are to be launched all the time while the fault happens. */
  readonly isLoaded: boolean
  /** Empty; removed in the end. */
  readonly folder: string
  /** All files stay, for whoever wants to know what happened. */
  readonly keepsFiles: boolean
  /** Calls it when the run is over, however it ends; the last one first. */
  onEnd(close: () => unknown): void
}

export interface OpenStage extends Stage {
  /** Resolves to what did not end well, one sentence each. */
  close(): Promise<readonly string[]>
}

export interface StageOptions {
  readonly isLoaded: boolean
  readonly keepsFiles?: boolean
}

export function openStage({ isLoaded, keepsFiles = false }: StageOptions): OpenStage {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-fault-'))
  const closing: (() => unknown)[] = []
  const remove = (): void => {
    if (!keepsFiles) rmSync(folder, { recursive: true, force: true })
  }
  // However it ends, but for kill -9.
  process.once('exit', remove)
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
      remove()
      process.off('exit', remove)
      return problems
    },
  }
}
