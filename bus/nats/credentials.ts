/** What a connection proves itself with, and new keys. */
import { readFile } from 'node:fs/promises'
import {
  credsAuthenticator,
  type NodeConnectionOptions,
  nkeyAuthenticator,
  nkeys,
} from '@nats-io/transport-node'
import { ClusterError } from '../../protocol/errors.ts'
import type { NatsLocation } from './locate.ts'

/**
 * Of a user: Ed25519, as NATS spells it. Its seed never leaves who has it; servers know the key.
 */
export interface Nkey {
  readonly publicKey: string
  readonly seed: string
}

export function newNkey(): Nkey {
  const pair = nkeys.createUser()
  return { publicKey: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) }
}

/** @throws {ClusterError} `bus/credentials` (never): a file cannot be read or holds none. */
export async function credentialsOf(
  location: NatsLocation,
): Promise<Partial<NodeConnectionOptions>> {
  const { user, password, token, credsPath, nkeyPath, tls } = location
  const options: Partial<NodeConnectionOptions> = {}
  if (user !== undefined) options.user = user
  if (password !== undefined) options.pass = password
  if (token !== undefined) options.token = token
  if (credsPath !== undefined) options.authenticator = await signer(credsPath, credsAuthenticator)
  else if (nkeyPath !== undefined) options.authenticator = await signer(nkeyPath, seedAuthenticator)
  if (tls !== undefined) options.tls = { ...tls }
  return options
}

type Authenticator = ReturnType<typeof credsAuthenticator>

async function signer(
  path: string,
  authenticator: (text: Uint8Array) => Authenticator,
): Promise<Authenticator> {
  const problem = (what: string, cause: unknown): ClusterError =>
    new ClusterError('bus/credentials', 'never', `${path} ${what}`, { cause })
  const text = await readFile(path).catch((cause: unknown) => {
    throw problem('cannot be read', cause)
  })
  try {
    const made = authenticator(new Uint8Array(text))
    // It parses what it was given only when it signs, and then nobody hears it fail.
    made('nonce')
    return made
  } catch (cause) {
    throw problem('holds no credentials of a NATS user', cause)
  }
}

/** A seed alone, or among other lines as `nsc` writes it. */
function seedAuthenticator(text: Uint8Array): Authenticator {
  const [seed = ''] = /^SU[A-Z2-7]{56}$/m.exec(new TextDecoder().decode(text)) ?? []
  return nkeyAuthenticator(new TextEncoder().encode(seed))
}
