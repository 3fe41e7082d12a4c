/** The highest epoch that this master ever took, on its own disk. */
import { readFileSync } from 'node:fs'
import { open, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder } from '../../bus/make-folder.ts'
import { ClusterError } from '../../protocol/errors.ts'

export interface EpochStore {
  /** 0 if none was ever saved. */
  read(): number
  /** Calls `told`, once: it is safely on disk, or not (`fault`). */
  save(epoch: number, told: (fault?: ClusterError) => void): void
}

/** @throws {ClusterError} `master/epoch-corrupt` when the file holds something else. */
export function epochFile(workDir: string): EpochStore {
  const path = join(workDir, 'epoch')
  // One after the other: of two at once the lower could stand there in the end.
  let saved: Promise<unknown> = Promise.resolve()
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
    save(epoch, told) {
      saved = saved
        .then(() => replace(path, `${epoch}\n`))
        .then(
          () => told(),
          (cause: unknown) =>
            told(
              new ClusterError('master/epoch-unsaved', 'later', `cannot write ${path}`, { cause }),
            ),
        )
    },
  }
}

async function replace(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`
  await writeFile(fresh, text, { flush: true })
  await rename(fresh, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
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
