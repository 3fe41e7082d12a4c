/** The command line: every command with its flags. What a command needs is loaded when it runs. */
import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { ClusterError } from '../protocol/errors.ts'
import { addActorCommands } from './actor-commands.ts'
import { addClientCommands } from './client-commands.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts'
import type { Io } from './io.ts'
import type { Registration } from './registration.ts'

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

function buildProgram(io: Io, done: Registration['done']): Command {
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
  const add: Registration['add'] = (name, description) =>
    withGlobals(program.command(name).description(description))
  addActorCommands({ io, add, done })
  addClientCommands({ io, add, done })
  return program
}

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 could not be placed, 64 wrong use, 69 no cluster there, 70 bug,
75 lease lost, 78 configuration.`

/** They may stand before the command or after it. */
const withGlobals = (command: Command): Command =>
  command
    .option('--nats <url>', 'the NATS server (default: NATS_URL, NATS context, `bourse dev` here)')
    .option('--nkey <file>', 'credentials: the seed of an nkey (default: NATS_NKEY)')
    .option('--creds <file>', 'credentials: a JWT and its seed (default: NATS_CREDS)')
    .option('--cluster <name>', 'the name of the cluster (default: bourse)')
    .option('--principal <name>', 'who speaks (default: BOURSE_PRINCIPAL, local)')
    .option('--json', 'print for programs: one document, or a line for each item')

const sentence = (text: string): string =>
  text
    .replace(/^error: /, '')
    .replaceAll(/\s+/g, ' ')
    .trim()

const version = (): string =>
  (createRequire(import.meta.url)('bourse/package.json') as { version: string }).version
