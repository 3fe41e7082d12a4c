/** The command line: every command with its flags. What a command needs is loaded when it runs. */
import { createRequire } from 'node:module'
import { type Argument, Command, CommanderError, Option } from 'commander'
import { ClusterError } from '../protocol/errors.ts'
import { addActorCommands, addDevCommand } from './actor-commands.ts'
import { id, natsUrl, parseValue, someText } from './arguments.ts'
import { addAuthCommands } from './auth-commands.ts'
import { addClientCommands } from './client-commands.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts'
import {
  describe,
  describeProgram,
  GLOBAL_FLAGS,
  GLOBAL_OPTIONS,
  type GlobalFlag,
  globalsOf,
  HELP,
  HELP_COLUMNS_MAX,
} from './help.ts'
import type { Io } from './io.ts'
import type { Registration } from './registration.ts'
import { addShadow } from './shadow-command.ts'
import { addShellCommands } from './shell-commands.ts'
import { systemFault } from './system-fault.ts'
import { harmless } from './text.ts'

/**
 * Runs `argv` (without `node` and the script) to its end.
 *
 * Faults, and what the machine refuses, become a sentence and their exit code; what else is thrown
 * is a bug and passes on.
 */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<ExitCode> {
  let exit: ExitCode = EXIT.done
  const program = buildProgram(io, (code) => {
    exit = code
  })
  try {
    if (argv.length === 0) program.outputHelp()
    else await program.parseAsync(argv, { from: 'user' })
    return exit
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    const fault = systemFault(error)
    if (fault === undefined && !(error instanceof ClusterError)) throw error
    io.printError(`bourse: ${sentence(fault ?? (error as ClusterError).message)}`)
    return error instanceof ClusterError ? exitCodeOf(error) : EXIT.configuration
  }
}

/** Without running anything: every command, with its flags. */
export function buildProgram(io: Io, done: Registration['done']): Command {
  const program = new Command('bourse')
    .description('Shares a cluster of machines between schedulers that you write yourself.')
    .enablePositionalOptions()
    .exitOverride()
    .helpCommand(false)
    .configureHelp(HELP)
    .configureOutput({
      writeOut: (text) => io.write(text),
      writeErr: (text) => io.writeError(text),
      getOutHelpWidth: () => Math.min(io.columns ?? HELP_COLUMNS_MAX, HELP_COLUMNS_MAX),
      getOutHasColors: () => false,
      outputError: (text, write) => write(`bourse: ${sentence(oneSentence(text))}\n`),
    })
  const add: Registration['add'] = (name, description, about) =>
    describe(program.command(name).description(description), about)
  const registration = { io, program, add, done }
  addDevCommand(registration)
  addClientCommands(registration)
  addShadow(registration)
  addAuthCommands(registration)
  addActorCommands(registration)
  addShellCommands(registration)
  for (const command of everyCommand(program)) {
    addGlobals(command)
    makeStrict(command)
  }
  return describeProgram(program.version(version(), '-V, --version', 'print the version'))
}

const everyCommand = (command: Command): readonly Command[] => [
  command,
  ...command.commands.flatMap(everyCommand),
]

/** What commander lets pass, or answers with a page of help. */
function makeStrict(command: Command): void {
  const words = command.parent === null ? 'bourse help' : `bourse help ${command.name()}`
  const fail = (text: string): never => command.error(text)
  command.help = () => command.error(`no command is given: \`${words}\` lists them`)
  for (const option of command.options) {
    if (!option.required) continue
    const parse = option.parseArg ?? ((text: string) => text)
    const name = option.long ?? option.flags
    option.argParser((text, before) =>
      parseValue(() => parse(someText(text), before), { name, text, fail }),
    )
  }
  for (const argument of command.registeredArguments) {
    const parse = argument.parseArg ?? (isOneText(argument) ? someText : undefined)
    const name = argument.name().toUpperCase()
    if (parse !== undefined)
      argument.argParser((text, before) =>
        parseValue(() => parse(text, before), { name, text, fail }),
      )
  }
}

/** Of several words one may be empty: they are for another program. */
const isOneText = ({ required, variadic }: Argument): boolean => required && !variadic

/** They may stand before the command or after it, and in its help they stand last. */
function addGlobals(command: Command): void {
  const isPart = (command.parent?.parent ?? null) !== null
  const flags = globalsOf(command) ?? (isPart ? [] : GLOBAL_FLAGS)
  if (flags.length > 0) command.optionsGroup(GLOBAL_OPTIONS)
  for (const flag of flags) command.addOption(GLOBALS[flag]())
  command.helpOption('-h, --help', 'show this')
}

const GLOBALS: Readonly<Record<GlobalFlag, () => Option>> = {
  nats: () =>
    new Option(
      '--nats <url>',
      'the NATS server (default: NATS_URL, the NATS context, `bourse dev` here)',
    ).argParser(natsUrl),
  nkey: () => new Option('--nkey <file>', 'who connects: the seed of an nkey (default: NATS_NKEY)'),
  creds: () => new Option('--creds <file>', 'or a JWT with its seed (default: NATS_CREDS)'),
  cluster: () =>
    new Option('--cluster <name>', 'one of several on that NATS (default: bourse)').argParser(
      id('cluster'),
    ),
  principal: () =>
    new Option('--principal <name>', 'who speaks (default: BOURSE_PRINCIPAL, local)').argParser(
      id('principal'),
    ),
  json: () => new Option('--json', 'print for programs: one document, or a line for each item'),
}

/** What commander says in two. */
const oneSentence = (text: string): string =>
  text.replace(/\. Expected (\d+) arguments? but got (\d+)\.\s*$/, ': $2 instead of $1')

/** What was written wrongly may be long, and hostile. */
function sentence(text: string): string {
  const line = text
    .replace(/^error: /, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  const half = SENTENCE_LENGTH_MAX / 2
  return harmless(
    line.length <= SENTENCE_LENGTH_MAX ? line : `${line.slice(0, half)}…${line.slice(-half)}`,
  )
}

const SENTENCE_LENGTH_MAX = 600

const version = (): string =>
  (createRequire(import.meta.url)('bourse/package.json') as { version: string }).version
