/** New credentials: what the user gets in a file, and what the server is told. */
import { newNkey } from '../../bus/nats/credentials.ts'
import { randomToken } from '../../bus/random.ts'
import type { User } from '../../protocol/permissions.ts'
import { stemOf } from './user-names.ts'
import type { Verifier } from './users-text.ts'

export interface NewCredentials {
  /** Ends in what it is: `.nk`, the seed of an nkey, or `.login`, USER:PASSWORD. */
  readonly fileName: string
  readonly secret: string
  readonly verifier: Verifier
}

const PASSWORD_BITS = 192
/**
 * The lowest. A hash guards against guessing what people think of, at a price for the server at
 * each connect; nobody guesses so many random bits at any price.
 */
const BCRYPT_ROUNDS = 4

export function newKey(user: User): NewCredentials {
  const { publicKey, seed } = newNkey()
  return { fileName: `${stemOf(user)}.nk`, secret: seed, verifier: { nkey: publicKey } }
}

/** For clients that cannot sign. It travels in the clear wherever there is no TLS. */
export async function newPassword(user: User): Promise<NewCredentials> {
  const { hash } = await import('bcryptjs')
  const password = randomToken(PASSWORD_BITS)
  const passwordHash = await hash(password, BCRYPT_ROUNDS)
  const stem = stemOf(user)
  return { fileName: `${stem}.login`, secret: `${stem}:${password}`, verifier: { passwordHash } }
}

/** The files that a user's credentials may be in. */
export const fileNamesOf = (user: User): readonly string[] =>
  ['.nk', '.login'].map((ending) => `${stemOf(user)}${ending}`)
