/** The file of users that nats-server includes: written from a list, and read back from it. */
import { readHistoryRights } from '../../bus/nats/store-rights.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { Permissions, User } from '../../protocol/permissions.ts'
import { allEvents, allUpdates, eventStream, shadowReports } from '../../protocol/subjects.ts'
import { rightsOf } from './rights.ts'
import { labelOf, parseUser, stemOf } from './user-names.ts'

/** What a server keeps of a user's credentials: nothing that one could connect with. */
export type Verifier = { readonly nkey: string } | { readonly passwordHash: string }

export interface KnownUser {
  readonly user: User
  readonly verifier: Verifier
}

export interface Users {
  readonly cluster: string
  readonly known: readonly KnownUser[]
}

const HEAD = 'Who may connect to cluster'

/**
 * Observers have an account of their own: what they ask the history is answered there and nowhere
 * else. See `readHistoryRights`.
 */
export function usersText({ cluster, known }: Users): string {
  const shared = [
    ...[allEvents(cluster), allUpdates(cluster), shadowReports.on({ cluster })].map((subject) => ({
      kind: 'stream',
      subject,
    })),
    ...readHistoryRights(eventStream(cluster)).map((subject) => ({ kind: 'service', subject })),
  ]
  const exported = shared.map(
    ({ kind, subject }) => `{ ${kind}: ${quoted(subject)}, accounts: [OBSERVERS] }`,
  )
  const imported = shared.map(
    ({ kind, subject }) => `{ ${kind}: { account: BOURSE, subject: ${quoted(subject)} } }`,
  )
  const users = (wanted: (user: User) => boolean): string =>
    known
      .filter(({ user }) => wanted(user))
      .map((one) => userText(cluster, one))
      .join('')
  return `# ${HEAD} ${cluster}, and what each may say and hear.
# Written by \`bourse auth\`: what is changed here by hand is lost.

accounts: {
  BOURSE: {
    jetstream: enabled
    exports: [
${lines(6, exported)}    ]
    users: [
${users(({ kind }) => kind !== 'observer')}    ]
  }
  OBSERVERS: {
    imports: [
${lines(6, imported)}    ]
    users: [
${users(({ kind }) => kind === 'observer')}    ]
  }
}
`
}

function userText(cluster: string, { user, verifier }: KnownUser): string {
  const { publish, subscribe } = rightsOf(cluster, user)
  return `      # ${labelOf(user)}
      { ${credential(user, verifier)}, permissions: {
        publish: ${onlyThese(publish)}
        subscribe: ${onlyThese(subscribe)}
      } }
`
}

const quoted = (subject: string): string => JSON.stringify(subject)

const lines = (indent: number, items: readonly string[]): string =>
  items.map((item) => `${' '.repeat(indent)}${item}\n`).join('')

const credential = (user: User, verifier: Verifier): string =>
  'nkey' in verifier
    ? `nkey: "${verifier.nkey}"`
    : `user: "${stemOf(user)}", password: "${verifier.passwordHash}"`

/** An empty list of what is allowed would allow everything. */
const onlyThese = (subjects: Permissions['publish']): string =>
  subjects.length === 0
    ? '{ deny: ">" }'
    : `{ allow: [\n${lines(10, subjects.map(quoted))}        ] }`

const USER = new RegExp(
  '^ {6}# (?<label>.+)\\n {6}\\{ ' +
    '(?:nkey: "(?<nkey>U[A-Z2-7]{55})"|user: "[\\w.-]+", password: "(?<hash>\\$2[aby]\\$[^"]+)")',
  'gm',
)

/** @throws {ClusterError} `cli/configuration`: it is not as it was written. */
export function parseUsers(text: string, path: string): Users {
  const cluster = new RegExp(`^# ${HEAD} ([\\w-]+),`).exec(text)?.[1]
  const known = [...text.matchAll(USER)].map(({ groups }): KnownUser => {
    const { label = '', nkey, hash = '' } = groups ?? {}
    const verifier = nkey === undefined ? { passwordHash: hash } : { nkey }
    return { user: parseUser(label.split(' ')), verifier }
  })
  const count = [...text.matchAll(/\bpermissions: \{/g)].length
  if (cluster !== undefined && known.length === count) return { cluster, known }
  throw new ClusterError('cli/configuration', 'never', `${path} is not as bourse auth wrote it`)
}
