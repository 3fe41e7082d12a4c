/** The commands that ask a cluster, with their flags. */
import type { Command } from 'commander'
import { duration } from './arguments.ts'
import { given, type Registration } from './registration.ts'

const LISTINGS = {
  agents: 'machines, what they have and what of it is used',
  frameworks: 'who asks for resources',
  tasks: 'what runs, and what ended lately',
  offers: 'what is offered and not yet answered',
} as const

export function addClientCommands({ add, io, done }: Registration): void {
  for (const verb of ['agents', 'frameworks', 'tasks', 'offers'] as const)
    add(`${verb} [prefix]`, `list ${LISTINGS[verb]}`).action(
      async (prefix: string | undefined, _, command: Command) => {
        const { listing } = await import('./commands/listing.ts')
        done(await listing(verb, prefix, given(io, command)))
      },
    )
  add('status [prefix]', 'show what has an id that begins so; without one, the leader').action(
    async (prefix: string | undefined, _, command: Command) => {
      const { status } = await import('./commands/status.ts')
      done(await status(prefix, given(io, command)))
    },
  )
  add('kill <task...>', 'stop tasks: a prefix of an id, or FRAMEWORK/TASK')
    .option('--grace <duration>', 'from SIGTERM to SIGKILL', duration)
    .action(async (wanted: readonly string[], _, command: Command) => {
      const { kill } = await import('./commands/kill.ts')
      done(await kill(wanted, given(io, command)))
    })
  add('logs <task>', 'print what a task has written')
    .option('-f, --follow', 'go on until it ends')
    .option('--stderr', 'its standard error instead')
    .action(async (wanted: string, _, command: Command) => {
      const { logs } = await import('./commands/logs.ts')
      done(await logs(wanted, given(io, command)))
    })
}
