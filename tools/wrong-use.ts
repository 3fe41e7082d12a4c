/** The arguments of a tool: what is wrong is named, and then how the tool is used. */
import { closeSync, openSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'

const EXIT_USAGE = 64

export class ToolArguments {
  readonly #usage: string

  /** `usage`: lines for people. */
  constructor(usage: string) {
    this.#usage = usage
  }

  /** As `parseArgs`; a flag that it does not know ends this, and so does `--help`. */
  parse<Config extends ParseArgsConfig>(config: Config): ReturnType<typeof parseArgs<Config>> {
    if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
      process.stdout.write(`${this.#usage}\n`)
      process.exit(0)
    }
    try {
      return parseArgs(config)
    } catch (error) {
      // What follows is how one would pass such a word on: here nobody does.
      const [first = ''] = (error as Error).message.split('. ')
      return this.wrong(first)
    }
  }

  /** A whole number not below `min`. */
  whole(flag: string, text: string, min: number): number {
    const value = numberOf(text)
    if (Number.isSafeInteger(value) && value >= min) return value
    return this.wrong(`--${flag} is a whole number from ${min}, not "${text}"`)
  }

  /** A number above 0. */
  positive(flag: string, text: string): number {
    const value = numberOf(text)
    if (Number.isFinite(value) && value > 0) return value
    return this.wrong(`--${flag} is a number above 0, not "${text}"`)
  }

  /** One of `words`. */
  oneOf<Word extends string>(flag: string, text: string, words: readonly Word[]): Word {
    const found = words.find((word) => word === text)
    if (found !== undefined) return found
    return this.wrong(`--${flag} is one of ${words.join(', ')}, not "${text}"`)
  }

  /** A file that is appended to when all is over: it is made now, or nothing begins. */
  appendable(flag: string, path: string | undefined): string | undefined {
    try {
      if (path !== undefined) closeSync(openSync(path, 'a'))
      return path
    } catch (error) {
      return this.wrong(`--${flag} ${path}: ${(error as Error).message}`)
    }
  }

  wrong(why: string): never {
    process.stderr.write(`${why}\n${this.#usage}\n`)
    process.exit(EXIT_USAGE)
  }
}

/** JavaScript takes nothing for 0. */
const numberOf = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text))
