/**
 * A cluster with credentials over machines of its own: `server` with NATS, a master and an
 * allocator,
 * `east` and `west` with an agent each.
 *
 * There are also credentials for others: `framework-local.login` and `observer-python.login`
 * (passwords), `framework-alice.nk`, `operator-local.nk`, `observer-local.nk`.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Actor, type Ended, runToEnd } from './cluster.ts'
import { type Machine, openMachines } from './machines.ts'
import { type SecuredServer, startSecuredServer } from './secured-server.ts'

const NAMES = ['server', 'east', 'west'] as const
export type MachineName = (typeof NAMES)[number]

const USERS = [
  'agent east',
  'agent west',
  'framework local --password',
  'framework alice',
  'observer python --password',
]

export interface Command {
  readonly machine: MachineName
  /** The name of the file. */
  readonly credentials: string
  readonly argv: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

export interface TwoMachines {
  readonly server: SecuredServer
  readonly machine: Readonly<Record<MachineName, Machine>>
  /** Runs a program to its end, with NATS_URL, and NATS_NKEY if the credentials are a key. */
  run(command: Command): Promise<Ended>
  /** Ends all of it, and removes its files. Idempotent. */
  close(): Promise<void>
}

/** First ask `needs(t, machinesNeed())`. Resolves when both agents are registered. */
export async function openTwoMachines(): Promise<TwoMachines> {
  const machines = openMachines(NAMES)
  const { machine } = machines
  const closing: (() => unknown)[] = [() => machines.close()]
  const close = async (): Promise<void> => {
    for (const closeOne of closing.splice(0).reverse()) await closeOne()
  }
  try {
    const server = await startSecuredServer(USERS, machine.server)
    closing.push(() => server.close())
    const start = async (name: MachineName, credentials: string, args: string[]) => {
      const state = `${server.folder}-${name}`
      const env = { ...server.env(credentials), BOURSE_STATE_DIR: state }
      const actor = new Actor(args, env, machine[name].on)
      closing.push(async () => {
        await actor.end()
        rmSync(state, { recursive: true, force: true })
      })
      await actor.start()
      return actor
    }
    const master = await start('server', 'master-m1.nk', ['master', '--id', 'm1'])
    await start('server', 'allocator-a1.nk', ['allocator'])
    await start('east', 'agent-east.nk', ['agent', '--id', 'east', '--hostname', 'east'])
    await start('west', 'agent-west.nk', ['agent', '--id', 'west', '--hostname', 'west'])
    await master.says('an agent has registered', 2)
    return { server, machine, run: (command) => run(server, machine, command), close }
  } catch (error) {
    await close()
    throw error
  }
}

function run(
  server: SecuredServer,
  machines: TwoMachines['machine'],
  { machine, credentials, argv, env }: Command,
): Promise<Ended> {
  const [program, ...args] = machines[machine].on(...argv)
  const state = { BOURSE_STATE_DIR: join(server.folder, 'state') }
  return runToEnd(program, args, { ...server.env(credentials), ...state, ...env })
}
