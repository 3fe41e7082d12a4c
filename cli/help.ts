/** How help is laid out: commands by what they are for, each with an example. */
import { type Command, Help, type HelpConfiguration } from 'commander'

/** What a command is for; in the order in which they are shown. */
export const GROUPS = {
  start: 'Start here:',
  look: 'Look:',
  act: 'Act:',
  actors: 'One actor, one process:',
  shell: 'The command line:',
} as const

/** Wider lines are not easier to read. */
export const HELP_COLUMNS_MAX = 100

/** Beside what a command says of its flags. */
export interface About {
  readonly group: keyof typeof GROUPS
  /** Begin with the command's name; the first one stands in the list of commands. */
  readonly examples: readonly [string, ...string[]]
  /** Paragraphs, under the flags. */
  readonly more?: string
  /** Which of the flags it takes that most commands take. Default: all; of parts: none. */
  readonly globals?: readonly GlobalFlag[]
}

/** By their long names. */
export const GLOBAL_FLAGS = ['nats', 'nkey', 'creds', 'cluster', 'principal', 'json'] as const
export type GlobalFlag = (typeof GLOBAL_FLAGS)[number]

/** What most commands take stands last. */
export const GLOBAL_OPTIONS = 'Which cluster, and how it is printed:'

const ROOT_MORE = `\
bourse help COMMAND shows the flags of a command, with examples.

The cluster is the one that --nats names, else NATS_URL, else the selected NATS context, else the \
\`bourse dev\` that runs here.

Exit codes: 0 done, 1 failed, 2 could not be placed, 64 wrong use, 69 no cluster there, 70 bug, \
75 lease lost, 78 configuration, 130 interrupted.`

/** Undefined: all. */
export const globalsOf = (command: Command): readonly GlobalFlag[] | undefined =>
  abouts.get(command)?.globals

const abouts = new WeakMap<Command, About>()

/** Tells help what `command` is about. */
export function describe(command: Command, about: About): Command {
  abouts.set(command, about)
  const { group, examples, more } = about
  const title = examples.length === 1 ? 'Example:' : 'Examples:'
  const lines = ['', title, ...examples.map((example) => `  bourse ${example}`)]
  return command.helpGroup(GROUPS[group]).addHelpText('after', () => {
    const rest = more === undefined ? [] : ['', wrapped(command, more)]
    return [...lines, ...rest].join('\n')
  })
}

const columnsOf = (command: Command): number =>
  command.configureOutput().getOutHelpWidth?.() ?? HELP_COLUMNS_MAX

const wrapped = (command: Command, text: string): string =>
  command.createHelp().boxWrap(text, columnsOf(command))

/** The flags of all commands stand under the commands, not over them. */
export const describeProgram = (program: Command): Command =>
  program.usage('COMMAND [flags]').addHelpText('after', () => {
    const help = program.createHelp()
    const options = new Help().visibleOptions(program)
    const width = Math.max(...options.map(({ flags }) => flags.length))
    help.prepareContext({ helpWidth: columnsOf(program) })
    const items = options.map((option) =>
      help.formatItem(option.flags, width, help.optionDescription(option), help),
    )
    return [
      '',
      'Commands that ask a cluster take:',
      ...items,
      '',
      wrapped(program, ROOT_MORE),
    ].join('\n')
  })

export const HELP: HelpConfiguration = {
  minWidthToWrap: 20,
  // An example says more than a list of placeholders.
  subcommandTerm: (command) => `bourse ${abouts.get(command)?.examples[0] ?? command.name()}`,
  visibleOptions: (command) => (command.parent === null ? [] : new Help().visibleOptions(command)),
}
