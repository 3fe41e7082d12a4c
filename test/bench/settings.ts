/** What a bench is asked for. What it is not asked for, each scenario chooses. */
import { parseArgs } from 'node:util'

export interface Settings {
  readonly agents?: number
  readonly frameworks?: number
  readonly tasks?: number
  readonly seconds?: number
  /** Where CPU profiles go. Default: none are taken. */
  readonly profile?: string
  /** Long work says how far it is. */
  readonly say: (sentence: string) => void
}

export interface Command {
  readonly words: readonly string[]
  readonly json: boolean
  readonly settings: Settings
}

const NUMBERS = ['agents', 'frameworks', 'tasks', 'seconds'] as const

/** @throws when it is no good, with a sentence. */
export function parseCommand(argv: readonly string[]): Command {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      agents: { type: 'string' },
      frameworks: { type: 'string' },
      tasks: { type: 'string' },
      seconds: { type: 'string' },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const numbers = NUMBERS.flatMap((name) => {
    const text = values[name]
    if (text === undefined) return []
    const value = Number(text)
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is no count: ${text}`)
    return [[name, value] as const]
  })
  const settings: Settings = {
    ...Object.fromEntries(numbers),
    ...(values.profile !== undefined && { profile: values.profile }),
    say: (sentence) => void process.stderr.write(`${sentence}\n`),
  }
  return { words: positionals, json: values.json, settings }
}
