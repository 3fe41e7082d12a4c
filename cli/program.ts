/** The command line: every command with its flags. What a command needs is loaded when it runs. */
import { createRequire } from 'node:module'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { ClusterError, type Refusal } from '../protocol/errors.ts'
import { parseDuration } from './duration.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts'
import type { Io } from './io.ts'
import type { CommandOptions, Invocation } from './options.ts'

/**
 * Runs `argv` (without `node` and the script) to its end.
 *
 * Faults become a sentence and their exit code; what else is thrown is a bug and passes on.
 */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<ExitCode> {
  let exit: ExitCode = EXIT.done
  const program = buildProgram(io, (code) => {
    exit = code
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exit
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    if (!(error instanceof ClusterError)) throw error
    io.printError(`bourse: ${error.message}`)
    return exitCodeOf(error)
  }
}

type Done = (code: ExitCode) => void
/** Adds a command to the program. */
type Add = (nameAndArguments: string, description: string) => Command

function buildProgram(io: Io, done: Done): Command {
  const program = withGlobals(new Command('bourse'))
    .description('A cluster kernel: independent actors on NATS that offer, share and run.')
    .version(version(), '-V, --version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.write(text),
      writeErr: (text) => io.writeError(text),
      outputError: (text, write) => write(`bourse: ${sentence(text)}\n`),
    })
    .addHelpText('after', EXIT_CODES)
  const add: Add = (name, description) =>
    withGlobals(program.command(name).description(description))
  addListings(add, io, done)
  return program
}

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 could not be placed, 64 wrong use, 69 no cluster there, 70 bug,
75 lease lost, 78 configuration.`

/** They may stand before the command or after it. */
const withGlobals = (command: Command): Command =>
  command
    .option('--nats <url>', 'the NATS server (default: NATS_URL, NATS context, `bourse dev` here)')
    .option('--cluster <name>', 'the name of the cluster (default: bourse)')
    .option('--json', 'print for programs: one document, or a line for each item')

const given = <Options extends CommandOptions>(io: Io, command: Command): Invocation<Options> => ({
  options: command.optsWithGlobals<Options>(),
  io,
})

function addListings(add: Add, io: Io, done: Done): void {
  const listings = {
    agents: 'machines, what they have and what of it is used',
    frameworks: 'who asks for resources',
    tasks: 'what runs, and what ended lately',
    offers: 'what is offered and not yet answered',
  } as const
  for (const verb of ['agents', 'frameworks', 'tasks', 'offers'] as const)
    add(`${verb} [prefix]`, `list ${listings[verb]}`).action(
      async (prefix: string | undefined, _, command: Command) => {
        const { listing } = await import('./commands/listing.ts')
        done(await listing(verb, prefix, given(io, command)))
      },
    )
  add('status [prefix]', 'show what has an id that begins so; without, the leader').action(
    async (prefix: string | undefined, _, command: Command) => {
      const { status } = await import('./commands/status.ts')
      done(await status(prefix, given(io, command)))
    },
  )
  add('kill <task...>', 'stop tasks: a prefix of an id, or FRAMEWORK/TASK')
    .option('--grace <duration>', 'from SIGTERM to SIGKILL', checkedBy(parseDuration))
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

/** For commander: a refused value is wrong use. */
const checkedBy =
  <T>(parse: (text: string) => T | Refusal) =>
  (text: string): T => {
    const value = parse(text)
    if (isRefusal(value)) throw new InvalidArgumentError(value.message)
    return value
  }

const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'code' in value && 'message' in value

const sentence = (text: string): string =>
  text
    .replace(/^error: /, '')
    .replaceAll(/\s+/g, ' ')
    .trim()

const version = (): string =>
  (createRequire(import.meta.url)('bourse/package.json') as { version: string }).version
