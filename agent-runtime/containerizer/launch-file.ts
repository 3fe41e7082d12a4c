/**
 * The file that says all about one container: to the launcher as shell, to a later agent as JSON.
 */
import type { Namespace } from '../../protocol/linux.ts'
import type { Hold } from '../isolator/hold.ts'
import type { KillHold } from '../isolator/kill/kill.ts'
import { quote } from '../launcher/quote.ts'
import type { OutputLimits } from '../sandbox/output-limits.ts'
import type { SandboxName } from '../sandbox/sandboxes.ts'
import type { Command } from './containerizer.ts'

/** What must be known to find a container again. First line of the file, as a comment. */
export interface LaunchHead {
  readonly sandbox: SandboxName
  /** What a kill reaches. */
  readonly hold: KillHold
  /** What else it is held by; absent in files of agents before there was any. */
  readonly holds?: readonly Hold[]
  /** What it has for itself; absent: nothing, but what `hold` says. */
  readonly namespaces?: readonly Namespace[]
  /** How much of its output is kept; absent: what the agent says. */
  readonly output?: OutputLimits | undefined
  /** The folder that it is shown as its root filesystem; absent: the machine's own. */
  readonly root?: string | undefined
}

export interface LaunchFile extends LaunchHead {
  readonly sandboxPath: string
  /** Its first process joins these by itself: files that it is written to. */
  readonly joins: readonly string[]
  readonly command: Command
  readonly environment: Readonly<Record<string, string>>
  /** Words that begin the shell in which it is prepared: what makes its namespaces, or none. */
  readonly enter: string
  /** Lines for that shell that make of its namespaces what the task is to find there. */
  readonly isolate: readonly string[]
  /** Words put before the command: limits, changes of user and of rights. */
  readonly prefix: readonly string[]
  /** Options that make env(1) undo what shells do to signals of background jobs. */
  readonly envOptions: readonly string[]
  /**
   * In place of `prefix`, `command` and `environment`, which stand elsewhere: words that start the
   * task, and those before the command of a check.
   */
  readonly instead?: { readonly run: readonly string[]; readonly check: readonly string[] }
}

export function renderLaunchFile(file: LaunchFile): string {
  const { sandbox, hold, holds, namespaces = [], output, sandboxPath } = file
  const { joins, enter, isolate, root } = file
  const head: LaunchHead = {
    sandbox,
    hold,
    ...(holds && { holds }),
    ...(namespaces.length > 0 && { namespaces }),
    ...(output && { output }),
    ...(root !== undefined && { root }),
  }
  return [
    `# ${JSON.stringify(head)}`,
    `sandbox=${quote(sandboxPath)}`,
    ...joinFunction(joins),
    ...(isolate.length === 0 ? [] : ['isolate() {', ...isolate.map((line) => `  ${line}`), '}']),
    `enter=${quote(enter)}`,
    `session=${quote(hold.kind === 'session' ? 'yes' : '')}`,
    ...wordLines(file),
    '',
  ].join('\n')
}

function wordLines(file: LaunchFile): string[] {
  const { command, envOptions, instead } = file
  if (instead !== undefined) {
    const first = ['setsid', 'env', ...envOptions].map(quote)
    const [run, check] = [instead.run, instead.check].map((words) =>
      [...first, ...words.map(quote)].join(' '),
    )
    return [`if [ "$check" ]; then set -- ${check} "$@"; else set -- ${run}; fi`]
  }
  return [
    // Whoever runs a check puts its words in place of the command's.
    `[ "$check" ] || set -- ${commandOf(command).map(quote).join(' ')}`,
    `set -- ${wordsBefore(file).map(quote).join(' ')} "$@"`,
  ]
}

/** `join`, which the script calls: it fails as soon as one cgroup cannot be joined. */
function joinFunction(joins: readonly string[]): string[] {
  const lines = joins.map((file) => `  echo 0 >${quote(file)} || return`)
  return ['join() {', ...lines, '  :', '}']
}

/** Undefined if the file is not whole: then nothing was begun with it. */
export function parseLaunchHead(text: string): LaunchHead | undefined {
  if (!text.endsWith('\n')) return undefined
  const head = JSON.parse(text.slice(2, text.indexOf('\n'))) as LaunchHead
  const root = head.root ?? mountedRoot(text)
  return root === undefined ? head : { ...head, root }
}

/** Heads of agents that kept all they unpacked do not name it: the line that mounts it does. */
function mountedRoot(text: string): string | undefined {
  const quoted = /^ {4}mount -n --bind '(.*)' below \|\| exit$/m.exec(text)?.[1]
  return quoted?.replaceAll("'\\''", "'")
}

/** The words that run a command, after those that make what it runs in. */
export function commandOf(command: Command): readonly string[] {
  const argv = 'shell' in command ? ['/bin/sh', '-c', command.shell] : command.argv
  // env(1) would take such a program for one more variable.
  return argv[0]?.includes('=') ? ['/bin/sh', '-c', 'exec "$@"', 'sh', ...argv] : argv
}

function wordsBefore({ environment, prefix, envOptions }: LaunchFile): string[] {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  return ['setsid', ...prefix, 'env', ...envOptions, '-i', ...variables]
}
