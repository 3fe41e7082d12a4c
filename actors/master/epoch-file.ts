/** The highest epoch that this master ever took, on its own disk. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeFolder } from '../../bus/make-folder.ts'
import { ClusterError } from '../../protocol/errors.ts'

export interface EpochStore {
  /** 0 if none was ever saved. */
  read(): number
  /** Synced when it returns. */
  save(epoch: number): void
}

/** @throws {ClusterError} `master/epoch-corrupt` when the file holds something else. */
export function epochFile(workDir: string): EpochStore {
  const path = join(workDir, 'epoch')
  return {
    read() {
      makeFolder(workDir)
      const text = readIfThere(path)
      if (text === undefined) return 0
      const epoch = Number(text)
      if (/^\d+\n$/.test(text) && Number.isSafeInteger(epoch)) return epoch
      const advice = 'remove it if no other master of this cluster was ever ahead of this one'
      throw new ClusterError('master/epoch-corrupt', 'never', `${path} holds no epoch: ${advice}`)
    },
    save(epoch) {
      const fresh = `${path}.new`
      const file = openSync(fresh, 'w')
      writeSync(file, `${epoch}\n`)
      fsyncSync(file)
      closeSync(file)
      renameSync(fresh, path)
      const folder = openSync(dirname(path), 'r')
      fsyncSync(folder)
      closeSync(folder)
    },
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
