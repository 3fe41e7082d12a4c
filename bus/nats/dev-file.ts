/** `dev.json` in the state folder: which `bourse dev` runs, and where its cluster is. */
import { join } from 'node:path'
import { amendClaim, type Claimer, claimFile, dropClaim, readClaim } from './claimed-file.ts'
import { stateFolder } from './state-folder.ts'

export interface DevFile extends Claimer {
  readonly cluster: string
  /** Absent while it starts. */
  readonly url?: string
}

export const devFilePath = (env: Readonly<Record<string, string | undefined>>): string =>
  join(stateFolder(env), 'dev.json')

/** What the file at `path` says; undefined if there is none or who wrote it runs no more. */
export const readDevFile = (path: string): DevFile | undefined => devFileOf(readClaim(path))

/** Makes the file, for this process. Gives what it says already when another one runs. */
export function claimDevFile(path: string, cluster: string): DevFile | undefined {
  const other = claimFile(path, { cluster })
  // Whatever stands in it: who holds it runs.
  return other === undefined ? undefined : (devFileOf(other) ?? { ...other, cluster: 'unknown' })
}

/** Says where the cluster is, once it can be used. Only after `claimDevFile`. */
export const announceDev = (path: string, url: string): void => amendClaim(path, { url })

/** Only after `claimDevFile`. */
export const removeDevFile = dropClaim

function devFileOf(claim: ReturnType<typeof readClaim>): DevFile | undefined {
  if (claim === undefined) return undefined
  const { pid, started, cluster, url } = claim
  if (typeof cluster !== 'string') return undefined
  return { pid, started, cluster, ...(typeof url === 'string' ? { url } : {}) }
}
