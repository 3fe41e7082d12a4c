/** Where `bourse` keeps what is to be there the next time. */
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** BOURSE_STATE_DIR, else `bourse` in XDG_STATE_HOME, else `~/.local/state/bourse`. */
export function stateFolder(env: Environment): string {
  if (env['BOURSE_STATE_DIR']) return resolve(env['BOURSE_STATE_DIR'])
  const xdg = env['XDG_STATE_HOME']
  // A relative one is to be ignored: XDG Base Directory Specification.
  if (xdg && isAbsolute(xdg)) return join(xdg, 'bourse')
  return join(env['HOME'] || homedir(), '.local', 'state', 'bourse')
}

/** All of `bourse dev`. */
export const devFolder = (env: Environment): string => join(stateFolder(env), 'dev')
