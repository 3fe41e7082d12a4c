/** The commands that look into the sandboxes of tasks, with their flags. */
import type { Command } from 'commander'
import { id } from './arguments.ts'
import { given, type Registration } from './registration.ts'

const PLACE = `\
TASK is the begin of its id, or FRAMEWORK/TASK with the begin of each; PATH is relative to its \
sandbox. A task that has ended is found as long as its agent keeps its sandbox. Links are shown and \
never followed.`

const LAUNCH = [
  '--launch <id>',
  'this one of its launches (default: the newest)',
  id('launch'),
] as const

export function addFileCommands(registration: Registration): void {
  addLs(registration)
  addCat(registration)
  addCp(registration)
}

function addLs({ add, io, done }: Registration): void {
  add('ls <task[:path]>', 'list what lies in the sandbox of a task', {
    group: 'look',
    examples: ['ls sh-0', 'ls sh-0:logs', 'ls --launches sh-0'],
    more: PLACE,
  })
    .option(...LAUNCH)
    .option('--launches', 'list instead of which launches something is left, and where')
    .action(async (place: string, _, command: Command) => {
      const { ls } = await import('./commands/sandbox.ts')
      done(await ls(place, given(io, command)))
    })
}

function addCat({ add, io, done }: Registration): void {
  add('cat <task:path>', 'print a file of a sandbox, byte for byte', {
    group: 'look',
    examples: ['cat sh-0:stderr', 'cat sh-0:out/result.json'],
    more: PLACE,
  })
    .option(...LAUNCH)
    .action(async (place: string, _, command: Command) => {
      const { cat } = await import('./commands/sandbox.ts')
      done(await cat(place, given(io, command)))
    })
}

function addCp({ add, io, done }: Registration): void {
  add('cp <task:path> <local>', 'copy a file or a folder out of a sandbox', {
    group: 'look',
    examples: ['cp sh-0:core .', 'cp sh-0:out results', 'cp sh-0: everything'],
    more: `${PLACE} Into LOCAL if that is a folder, else under that name. What is neither file nor \
folder is named and left out; then the exit code is 1.`,
  })
    .option(...LAUNCH)
    .action(async (place: string, local: string, _, command: Command) => {
      const { cp } = await import('./commands/cp.ts')
      done(await cp(place, local, given(io, command)))
    })
}
