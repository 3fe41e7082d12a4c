/** `bourse auth` with its parts and their flags. */
import type { Command } from 'commander'
import { WrongValue } from './arguments.ts'
import type { Listen } from './commands/auth.ts'
import { describe } from './help.ts'
import { given, type Registration } from './registration.ts'

const KINDS = `\
USER is one of:
  agent ID                 one machine
  framework NAME [ID]      all frameworks of a principal, or the one of that id
  operator NAME            a person at the command line
  observer NAME            hears events and statuses, says nothing
  master ID, allocator NAME`

export function addAuthCommands({ add, io, done }: Registration): void {
  const auth = add('auth', 'make NATS users: who may connect, and what each may say and hear', {
    group: 'act',
    examples: ['auth init DIR', 'auth add agent a1 --dir DIR'],
    more: KINDS,
    globals: [],
  }).helpCommand(false)
  const part = (name: string, description: string, example: string): Command =>
    describe(
      auth
        .command(name)
        .description(description)
        .option('--json', 'print for programs: one document')
        .helpOption('-h, --help', 'show this'),
      {
        group: 'act',
        examples: [`auth ${example}`],
        ...(name.endsWith(' <user...>') ? { more: KINDS } : {}),
      },
    )
  const inFolder = (command: Command): Command =>
    command.option('--dir <folder>', 'where `bourse auth init` was', '.')

  part('init <dir>', 'write the configuration of a NATS server and its first users', 'init DIR')
    .option('--listen <host:port>', 'of the server (default: 127.0.0.1:4222)', listen)
    .option('--store <folder>', 'where the server keeps its streams (default: DIR/nats)')
    .option('--cluster <name>', 'the name of the cluster (default: bourse)')
    .action(async (folder: string, _, self: Command) => {
      const { initAuth } = await import('./commands/auth.ts')
      done(await initAuth(folder, given(io, self)))
    })
  inFolder(part('add <user...>', 'make a user', 'add agent a1 --dir DIR'))
    .option('--password', 'a password instead of a key, for clients that cannot sign')
    .action(async (user: readonly string[], _, self: Command) => {
      const { addAuth } = await import('./commands/auth.ts')
      done(await addAuth(user, given(io, self)))
    })
  inFolder(part('list', 'list the users', 'list --dir DIR')).action(async (_, self: Command) => {
    const { listAuth } = await import('./commands/auth.ts')
    done(listAuth(given(io, self)))
  })
  inFolder(part('remove <user...>', 'end a user', 'remove agent a1 --dir DIR')).action(
    async (user: readonly string[], _, self: Command) => {
      const { removeAuth } = await import('./commands/auth.ts')
      done(removeAuth(user, given(io, self)))
    },
  )
}

function listen(text: string): Listen {
  const [, host, port] =
    /^(?:\[([0-9a-f:]+)\]|([^\s:[\]"]+)):(\d{1,5})$/
      .exec(text)
      ?.filter((group) => group !== undefined) ?? []
  if (host !== undefined && Number(port) > 0 && Number(port) < 65_536)
    return { host, port: Number(port) }
  throw new WrongValue('is not HOST:PORT like 10.0.0.1:4222')
}
