/** The commands that ask a cluster, with their flags. */
import { type Command, InvalidArgumentError } from 'commander'
import { SCALAR_MAX } from '../protocol/limits.ts'
import { collected, count, decimal, duration } from './arguments.ts'
import type { EnvironmentFlag } from './commands/run.ts'
import { given, type Registration } from './registration.ts'

const LISTINGS = {
  agents: 'machines, what they have and what of it is used',
  frameworks: 'who asks for resources',
  tasks: 'what runs, and what ended lately',
  offers: 'what is offered and not yet answered',
} as const

export function addClientCommands(registration: Registration): void {
  const { add, io, done } = registration
  addRun(registration)
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

function addRun({ add, io, done }: Registration): void {
  add('run <command...>', 'run a command on the cluster, to its end; put -- before it')
    .passThroughOptions()
    .option('--name <name>', 'what people see (default: the first word of the command)')
    .option('--role <role>', 'whose share it counts for (default: *)')
    .option('--cpus <n>', 'of each instance', decimal(1_000_000), 0.1)
    .option('--mem <MiB>', 'of each instance', decimal(SCALAR_MAX), 32)
    .option('--instances <n>', 'so many, each with its own task', count(1, 100_000), 1)
    .option('--ports <n>', 'of each instance, as PORT0, PORT1 …', count(0, 1_000))
    .option('--env <NAME=VALUE>', 'for the command; may be repeated', collected(environment))
    .option('--user <name>', 'who runs it, if the agent may choose')
    .option('--timeout <duration>', 'all must be placed within (default: it waits)', duration)
    .option('--prefix', 'begin each line of output with its task')
    .action(async (command: readonly string[], _, self: Command) => {
      const { run } = await import('./commands/run.ts')
      done(await run(command, given(io, self)))
    })
}

function environment(text: string): EnvironmentFlag {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]{0,127})=([^\0]*)$/s.exec(text) ?? []
  if (name !== undefined && value !== undefined) return { name, value }
  throw new InvalidArgumentError('It is NAME=VALUE, NAME of letters, digits and _.')
}
