/** Which NATS servers, and as whom: what was asked for, or what the tools of NATS are set to. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ClusterError } from '../../protocol/errors.ts'

export interface NatsLocation {
  /** At least one, like `nats://127.0.0.1:4222`, without credentials in it. */
  readonly servers: readonly string[]
  readonly user?: string
  readonly password?: string
  readonly token?: string
  /** A file with a JWT and its seed, as `nsc` makes them. */
  readonly credsPath?: string
  /** A file with the seed of an nkey, as `bourse auth` writes it. */
  readonly nkeyPath?: string
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string }
  /** Without the last dot. Default `_INBOX`. */
  readonly inboxPrefix?: string
  /** For people: where this was found. */
  readonly source: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Files that were asked for: they count instead of whatever else is said about credentials. */
export interface CredentialFiles {
  readonly nkey?: string | undefined
  readonly creds?: string | undefined
}

/**
 * The location that `url` (a flag) names, else NATS_URL, else the NATS context (NATS_CONTEXT or the
 * selected one), else nothing. NATS_USER, NATS_PASSWORD, NATS_NKEY and NATS_CREDS go with the first
 * two, `files` with all.
 *
 * @throws {ClusterError} `bus/nats-context` or `bus/nats-url`: it is there but no good.
 */
export function locateNats(
  url: string | undefined,
  env: Environment,
  files: CredentialFiles = {},
): NatsLocation | undefined {
  if (url) return withFiles(withEnvironment(fromUrls(url, '--nats'), env), files)
  if (env['NATS_URL'])
    return withFiles(withEnvironment(fromUrls(env['NATS_URL'], 'NATS_URL'), env), files)
  const location = fromContext(env)
  return location && withFiles(location, files)
}

/** True if nobody has to say who they are: the server is open to all on its network. */
export function isOpenLocation(location: NatsLocation): boolean {
  const { user, token, credsPath, nkeyPath, tls } = location
  return (user ?? token ?? credsPath ?? nkeyPath ?? tls?.certFile) === undefined
}

/** The same, as whoever the files are of, if there are any. */
export function withFiles(location: NatsLocation, { nkey, creds }: CredentialFiles): NatsLocation {
  if (!nkey && !creds) return location
  const { servers, tls, inboxPrefix, source } = location
  return {
    servers,
    source,
    ...defined({ tls, inboxPrefix }),
    ...(nkey ? { nkeyPath: nkey } : {}),
    ...(creds ? { credsPath: creds } : {}),
  }
}

function withEnvironment(location: NatsLocation, env: Environment): NatsLocation {
  const { NATS_USER: user, NATS_PASSWORD: password, NATS_NKEY: nkey, NATS_CREDS: creds } = env
  return {
    ...location,
    ...(user ? { user } : {}),
    ...(password ? { password } : {}),
    ...(nkey ? { nkeyPath: atHome(nkey, env) } : {}),
    ...(creds ? { credsPath: atHome(creds, env) } : {}),
  }
}

/** `urls` are separated by commas; credentials are those of the first. */
function fromUrls(urls: string, source: string): NatsLocation {
  const parsed = urls.split(',').map((text) => parseUrl(text.trim(), source))
  const servers = parsed.map(({ protocol, host }) => `${protocol}//${host}`)
  const [{ username, password } = { username: '', password: '' }] = parsed
  if (username === '') return { servers, source }
  const user = decodeURIComponent(username)
  if (password === '') return { servers, source, token: user }
  return { servers, source, user, password: decodeURIComponent(password) }
}

function parseUrl(text: string, source: string): URL {
  const url = text.includes('://') ? text : `nats://${text}`
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^(nats|tls):$/.test(parsed.protocol) || parsed.hostname === '')
    throw new ClusterError(
      'bus/nats-url',
      'never',
      `${source}: "${text}" is no URL of a NATS server`,
    )
  return parsed
}

function fromContext(env: Environment): NatsLocation | undefined {
  const folder = join(env['XDG_CONFIG_HOME'] || join(home(env), '.config'), 'nats')
  const name = env['NATS_CONTEXT'] || readText(join(folder, 'context.txt'))?.trim()
  if (!name) return undefined
  const path = join(folder, 'context', `${name}.json`)
  const context = parseContext(readText(path), path)
  const source = `NATS context ${name}`
  const optional = (key: string): string | undefined => context[key] || undefined
  const urls = optional('url')
  if (urls === undefined) throw badContext(`${path} names no url`)
  return defined({
    ...fromUrls(urls, source),
    ...defined({
      user: optional('user'),
      password: optional('password'),
      token: optional('token'),
      credsPath: optional('creds') && atHome(context['creds'] as string, env),
      nkeyPath: optional('nkey') && atHome(context['nkey'] as string, env),
      inboxPrefix: optional('inbox_prefix')?.replace(/\.$/, ''),
    }),
    tls: tlsOf(context, env),
  })
}

function tlsOf(context: Readonly<Record<string, string>>, env: Environment): NatsLocation['tls'] {
  const file = (key: string) => (context[key] ? atHome(context[key], env) : undefined)
  const tls = defined({ caFile: file('ca'), certFile: file('cert'), keyFile: file('key') })
  return Object.keys(tls).length === 0 ? undefined : tls
}

function parseContext(text: string | undefined, path: string): Readonly<Record<string, string>> {
  if (text === undefined) throw badContext(`${path} cannot be read`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw badContext(`${path} is not JSON`, { cause })
  }
  if (typeof value !== 'object' || value === null) throw badContext(`${path} holds no object`)
  return Object.fromEntries(
    Object.entries(value).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  )
}

const badContext = (message: string, options?: ErrorOptions): ClusterError =>
  new ClusterError('bus/nats-context', 'never', message, options)

/** Without what is undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(kept) as { [K in keyof T]: Exclude<T[K], undefined> }
}

const home = (env: Environment): string => env['HOME'] || homedir()
const atHome = (path: string, env: Environment): string => path.replace(/^~(?=\/)/, home(env))

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Not there, or not ours to read: the same to us.
    return undefined
  }
}
