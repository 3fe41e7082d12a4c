/** What a file of commands is given to add them to the program. */
import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { About } from './help.ts'
import type { Io } from './io.ts'
import type { CommandOptions, Invocation } from './options.ts'

export interface Registration {
  readonly io: Io
  /** The whole of it. */
  readonly program: Command
  /** Adds a command that also takes the global flags. */
  readonly add: (nameAndArguments: string, description: string, about: About) => Command
  /** Says how the command ended. */
  readonly done: (code: ExitCode) => void
}

/** The flags that `command` was given, global ones included. */
export const given = <Options extends CommandOptions>(
  io: Io,
  command: Command,
): Invocation<Options> => ({ options: command.optsWithGlobals<Options>(), io })
