/** `bourse auth init | add | list | remove`: NATS users, and what they may do. */

import { serverCommand } from '../../bus/nats/find-server.ts'
import { CLUSTER_DEFAULT } from '../../bus/nats/locate-cluster.ts'
import type { MasterId } from '../../protocol/ids.ts'
import type { User } from '../../protocol/permissions.ts'
import { newKey, newPassword } from '../auth/credentials.ts'
import { addUser, newFolder, readUsers, removeUser } from '../auth/folder.ts'
import { labelOf, parseUser, wordsOf } from '../auth/user-names.ts'
import type { KnownUser } from '../auth/users-text.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { clusterName, LOCAL_PRINCIPAL } from '../find-cluster.ts'
import { jsonLine } from '../io.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import { tableLines } from '../table.ts'

export interface Listen {
  readonly host: string
  readonly port: number
}

export interface InitOptions extends CommandOptions {
  /** Default: loopback, the usual port. */
  readonly listen?: Listen
  readonly store?: string
}

export interface AuthOptions extends CommandOptions {
  readonly dir: string
  readonly password?: boolean
}

const LOOPBACK: Listen = { host: '127.0.0.1', port: 4222 }
const RELOAD = 'a server that runs takes it in with: nats-server --signal reload'

/** With these a cluster starts and is looked at. */
const FIRST_USERS: readonly User[] = [
  { kind: 'master', masterId: 'm1' as MasterId },
  { kind: 'allocator', name: 'a1' },
  { kind: 'operator', principal: LOCAL_PRINCIPAL },
  { kind: 'observer', name: LOCAL_PRINCIPAL },
]

export async function initAuth(
  folder: string,
  { options, io }: Invocation<InitOptions>,
): Promise<ExitCode> {
  const { listen = LOOPBACK, store } = options
  const cluster = clusterName(options) ?? CLUSTER_DEFAULT
  const storeDir = store === undefined ? {} : { storeDir: store }
  const config = newFolder({ folder, cluster, ...listen, ...storeDir })
  const users = FIRST_USERS.map((user) => ({
    user: labelOf(user),
    file: addUser(folder, user, newKey(user)),
  }))
  if (options.json) io.print(jsonLine({ cluster, config, users }))
  else {
    const server = await serverCommand(io.env)
    io.print(`cluster ${cluster}, ${listen.host}:${listen.port}: ${server} -c ${config}`)
    for (const { user, file } of users) io.print(`${user}: ${file}`)
  }
  return EXIT.done
}

export async function addAuth(
  words: readonly string[],
  { options, io }: Invocation<AuthOptions>,
): Promise<ExitCode> {
  const user = parseUser(words)
  const credentials = options.password ? await newPassword(user) : newKey(user)
  const file = addUser(options.dir, user, credentials)
  if (options.json) io.print(jsonLine({ user: labelOf(user), file }))
  else {
    io.print(`${labelOf(user)}: ${file}`)
    io.printError(`bourse: ${RELOAD}`)
  }
  return EXIT.done
}

export function removeAuth(
  words: readonly string[],
  { options, io }: Invocation<AuthOptions>,
): ExitCode {
  const user = parseUser(words)
  removeUser(options.dir, user)
  if (options.json) io.print(jsonLine({ removed: labelOf(user) }))
  else io.printError(`bourse: ${labelOf(user)} is removed; ${RELOAD}`)
  return EXIT.done
}

export function listAuth({ options, io }: Invocation<AuthOptions>): ExitCode {
  const { cluster, known } = readUsers(options.dir)
  const shown = (verifier: KnownUser['verifier']): string =>
    'nkey' in verifier ? verifier.nkey : 'password'
  if (options.json)
    io.print(
      jsonLine(
        known.map(({ user, verifier }) => ({ cluster, ...user, credentials: shown(verifier) })),
      ),
    )
  else
    for (const line of tableLines(
      [
        { title: 'KIND', text: ({ user }: KnownUser) => user.kind },
        { title: 'NAME', text: ({ user }) => wordsOf(user).slice(1).join(' ') },
        { title: 'CREDENTIALS', text: ({ verifier }) => shown(verifier), gives: true },
      ],
      known,
      io.columns,
    ))
      io.print(line)
  return EXIT.done
}
