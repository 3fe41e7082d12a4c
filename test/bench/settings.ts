/** What a bench is asked for. What it is not asked for, each scenario chooses. */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'

/** The command line is no good: nothing was started. */
export class WrongUse extends Error {
  override readonly name = 'WrongUse'
}

/**
 * What keeps tasks apart, each with all that the one before has, as far as the machine has it:
 * `none`, a kill reaches a session, and nothing holds a task to what it asked for; `cgroups`, they
 * hold it; `namespaces`, it has processes, files and a network of its own; `container`, a root
 * filesystem of its own instead of files and network, by runc.
 */
export const BENCH_ISOLATIONS = ['none', 'cgroups', 'namespaces', 'container'] as const
export type BenchIsolation = (typeof BENCH_ISOLATIONS)[number]

export interface Settings {
  readonly agents?: number
  readonly frameworks?: number
  readonly tasks?: number
  /** Of `failover`. */
  readonly tasksPerAgent?: number
  readonly seconds?: number
  /**
   * Where CPU profiles go; default: none are taken. Of `allocator`: what its frameworks are like.
   */
  readonly profile?: string
  /** Of `launch`: what keeps its tasks apart. */
  readonly isolation?: BenchIsolation
  /** Long work says how far it is. */
  readonly say: (sentence: string) => void
}

export interface Command {
  readonly words: readonly string[]
  readonly json: boolean
  readonly settings: Settings
}

const NUMBERS = {
  agents: 'agents',
  frameworks: 'frameworks',
  tasks: 'tasks',
  'tasks-per-agent': 'tasksPerAgent',
  seconds: 'seconds',
} as const

/** @throws {WrongUse} with a sentence. */
export function parseCommand(argv: readonly string[]): Command {
  const { values, positionals } = parseFlags(argv)
  const flags = Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]
  const numbers = flags.flatMap((flag) => {
    const text = values[flag]
    if (text === undefined) return []
    const value = Number(text)
    if (!Number.isSafeInteger(value) || value < 1)
      throw new WrongUse(`--${flag} is no count: ${text}`)
    return [[NUMBERS[flag], value] as const]
  })
  const isFolder = positionals[0] !== 'allocator'
  if (isFolder && values.profile !== undefined && !existsSync(values.profile))
    throw new WrongUse(`there is no folder ${values.profile}`)
  const settings: Settings = {
    ...Object.fromEntries(numbers),
    ...(values.profile !== undefined && { profile: values.profile }),
    ...(values.isolation !== undefined && { isolation: isolationOf(values.isolation) }),
    say: (sentence) => void process.stderr.write(`${sentence}\n`),
  }
  return { words: positionals, json: values.json, settings }
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        agents: { type: 'string' },
        frameworks: { type: 'string' },
        tasks: { type: 'string' },
        'tasks-per-agent': { type: 'string' },
        seconds: { type: 'string' },
        profile: { type: 'string' },
        isolation: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
  } catch (cause) {
    throw new WrongUse((cause as Error).message, { cause })
  }
}

function isolationOf(word: string): BenchIsolation {
  const found = BENCH_ISOLATIONS.find((one) => one === word)
  if (found !== undefined) return found
  throw new WrongUse(`--isolation is one of ${BENCH_ISOLATIONS.join(', ')}, not ${word}`)
}
