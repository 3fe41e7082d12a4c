/** A NATS server with credentials, as `bourse auth` writes it: here, or on a machine of a test. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startGuarded } from '../../bus/nats/guardian.ts'
import { USERS_FILE } from '../../cli/auth/server-text.ts'
import { runCommandLine } from '../../cli/program.ts'
import { freePort } from './free-ports.ts'
import { recordingIo } from './io.ts'
import type { Machine } from './machines.ts'
import { testBinary } from './nats.ts'

export interface SecuredServer {
  readonly url: string
  /** With the credentials: `master-m1.nk`, `framework-local.login` and so on. */
  readonly folder: string
  /**
   * `agent a1`, `framework alice --password`: makes the user; the server knows it when it resolves.
   */
  add(user: string): Promise<void>
  /** The user is nobody when it resolves. */
  remove(user: string): Promise<void>
  /** Writes `users.conf` as no `bourse auth` would; the server knows it when it resolves. */
  editUsers(edit: (users: string) => string): Promise<void>
  /** The environment of a process that connects with the file of that name. */
  env(credentials: string): NodeJS.ProcessEnv
  /** What the server has logged. */
  log(): string
  /** Ends it and removes its files. */
  close(): Promise<void>
}

const LOOK_MS = 10
const PATIENCE_MS = 30_000
const PORT = 4222

/**
 * Starts with the users of `bourse auth init` and `users`. On `machine`: listens on its address.
 */
export async function startSecuredServer(
  users: readonly string[],
  machine?: Machine,
): Promise<SecuredServer> {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-secured-'))
  try {
    return await startIn(folder, users, machine)
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

async function startIn(
  folder: string,
  users: readonly string[],
  machine: Machine | undefined,
): Promise<SecuredServer> {
  const binary = await testBinary()
  const address =
    machine === undefined ? `127.0.0.1:${await freePort()}` : `${machine.address}:${PORT}`
  const logPath = join(folder, 'server.log')
  await bourse('auth', 'init', folder, '--listen', address)
  for (const user of users) await bourse('auth', 'add', ...user.split(' '), '--dir', folder)
  const logFd = openSync(logPath, 'a')
  const command = [binary, '-c', join(folder, 'nats.conf')]
  const server = await startGuarded(machine?.on(...command) ?? command, logFd)
  closeSync(logFd)
  const log = (): string => readFileSync(logPath, 'utf8')
  const logs = async (times: number, text: string): Promise<void> => {
    for (let waited = 0; log().split(text).length <= times; waited += LOOK_MS) {
      if (!server.isRunning || waited > PATIENCE_MS) throw new Error(`no "${text}" in: ${log()}`)
      await sleep(LOOK_MS)
    }
  }
  const usersPath = join(folder, USERS_FILE)
  const reload = async (change: Promise<void>): Promise<void> => {
    await change
    const before = log().split(RELOADED).length - 1
    process.kill(server.pid, 'SIGHUP')
    await logs(before + 1, RELOADED)
  }
  await logs(1, 'Server is ready')
  return {
    url: `nats://${address}`,
    folder,
    add: (user) => reload(bourse('auth', 'add', ...user.split(' '), '--dir', folder)),
    remove: (user) => reload(bourse('auth', 'remove', ...user.split(' '), '--dir', folder)),
    editUsers: (edit) => reload(writeFile(usersPath, edit(readFileSync(usersPath, 'utf8')))),
    env(credentials) {
      const { NATS_CONTEXT: _, NATS_CREDS: _creds, NATS_NKEY: _nkey, ...rest } = process.env
      const path = join(folder, credentials)
      if (credentials.endsWith('.nk'))
        return { ...rest, NATS_URL: `nats://${address}`, NATS_NKEY: path }
      return { ...rest, NATS_URL: `nats://${readFileSync(path, 'utf8').trim()}@${address}` }
    },
    log,
    async close() {
      server.signal('SIGTERM')
      await server.ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const RELOADED = 'Reloaded server configuration'

/** Runs `bourse ARGS` in this process. */
async function bourse(...args: readonly string[]): Promise<void> {
  const { io, printed } = recordingIo()
  const code = await runCommandLine(args, io)
  if (code !== 0) throw new Error(`bourse ${args.join(' ')}: ${printed().stderr}`)
}
