/** Tasks of other users: only root may have them. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

export interface RunAs extends Owner {
  /** Words before a command that make it run as this user. */
  readonly prefix: readonly string[]
}

/** What is to be done to run as a user: nothing, `RunAs`, or a sentence that says why not. */
export type UserAnswer = RunAs | 'own' | { readonly refused: string }

/** getent may ask a directory service, and that may be away. */
const LOOKUP_MS_MAX = 5000

export class Users {
  readonly #known = new Map<string, UserAnswer>()

  /** The answer if no look-up is needed for it. Most tasks name no user. */
  known(name: string | undefined): UserAnswer | undefined {
    return name === undefined ? 'own' : this.#known.get(name)
  }

  async find(name: string): Promise<UserAnswer> {
    const answer = await lookUp(name)
    // A user who is not there may come; one who is there keeps its number while we run.
    if (typeof answer === 'string' || !('refused' in answer)) this.#known.set(name, answer)
    return answer
  }
}

async function lookUp(name: string): Promise<UserAnswer> {
  const shown = JSON.stringify(name.slice(0, 80))
  if (name === '' || name.startsWith('-') || /[\0:]/.test(name)) {
    return { refused: `${shown} is no name of a user` }
  }
  const options = { timeout: LOOKUP_MS_MAX }
  const found = await promisify(execFile)('getent', ['passwd', name], options).catch(
    () => undefined,
  )
  const [, , uidText = '', gidText = ''] = (found?.stdout ?? '').split(':')
  if (uidText === '') return { refused: `there is no user ${shown} on this machine` }
  const [uid, gid] = [Number(uidText), Number(gidText)]
  const own = process.getuid?.()
  if (uid === own) return 'own'
  if (own !== 0) return { refused: `only root can run tasks as another user, here ${shown}` }
  return { uid, gid, prefix: ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups'] }
}
