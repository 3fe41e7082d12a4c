/** The commands that are about the command line itself. */
import { Argument, type Command } from 'commander'
import { SCRIPTS, SHELLS, type Shell } from './completion/scripts.ts'
import { EXIT } from './exit-code.ts'
import { given, type Registration } from './registration.ts'

export function addShellCommands(registration: Registration): void {
  addCompletion(registration)
  addComplete(registration)
  addHelp(registration)
}

function addCompletion({ add, io, done }: Registration): void {
  add('completion', 'print a script that completes commands, flags and ids', {
    group: 'shell',
    examples: [
      'completion bash',
      'completion bash > ~/.local/share/bash-completion/completions/bourse',
      'completion zsh > "${fpath[1]}/_bourse"',
      'completion fish > ~/.config/fish/completions/bourse.fish',
    ],
    more: 'For this shell only:  source <(bourse completion bash)',
    globals: [],
  })
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: Shell) => {
      io.write(SCRIPTS[shell])
      done(EXIT.done)
    })
}

/** What the scripts ask. Never says what is wrong: nobody wants to read that within a word. */
function addComplete({ program, io, done }: Registration): void {
  const command = program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (words: readonly string[], _, self: Command) => {
      const { candidates } = await import('./completion/candidates.ts')
      const { options } = given(io, self)
      for (const { value, about } of await candidates(program, words, { options, io }))
        io.print(about === undefined ? value : `${value}\t${about}`)
      done(EXIT.done)
    })
  command.helpOption(false)
}

function addHelp({ program, add, done }: Registration): void {
  add('help [command...]', 'show the flags of a command, with examples', {
    group: 'shell',
    examples: ['help run', 'help auth init'],
    globals: [],
  }).action((names: readonly string[]) => {
    let command = program
    for (const name of names)
      command =
        command.commands.find((one) => one.name() === name) ??
        command.error(`unknown command '${name}': \`bourse help\` lists them`)
    command.outputHelp()
    done(EXIT.done)
  })
}
