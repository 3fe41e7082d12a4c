/** Processes of a user who is not root: what they may do is what most users may. */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'

const NOBODY = 65_534

/** Options for `spawn`: nobody if we are root, else who we are. */
export const asOrdinaryUser: { readonly uid?: number; readonly gid?: number } =
  process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}

/** May everybody read what lies in this folder? Who is no root runs as they are: they may. */
export function mayAllRead(folder: string): boolean {
  const OTHERS = 0o005
  if (asOrdinaryUser.uid === undefined) return true
  for (let path = folder; path !== dirname(path); path = dirname(path))
    if ((statSync(path).mode & OTHERS) !== OTHERS) return false
  return true
}
