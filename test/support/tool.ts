/** What tools that open clusters of their own have in common. */
import { constants } from 'node:os'
import type { ToolArguments } from '../../tools/wrong-use.ts'

/** As a shell tells the end by a signal. */
const EXIT_SIGNAL = 128

/**
 * Whoever ends this ends what it has started: all of it is gone with an exit. `told`: how far it
 * was, for `interrupted by SIGINT: `.
 */
export function endsBySignals(told: () => string): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      // What stands there, of a progress that goes on, or what the terminal shows of the key.
      const clear = process.stderr.isTTY ? '\r\u001b[K' : ''
      process.stderr.write(`${clear}interrupted by ${signal}: ${told()}\n`)
      process.exit(EXIT_SIGNAL + constants.signals[signal])
    })
}

/** `after 9 s`: since then, by `performance.now()`. */
export const afterSince = (begunMs: number): string =>
  `after ${((performance.now() - begunMs) / 1_000).toFixed(0)} s`

/** What is to be run: `NAME…`, or `table NAME…` into a page. */
export interface Named<Item> {
  readonly isTable: boolean
  /** In the order in which they were named; empty: none was. */
  readonly items: readonly Item[]
}

export function namedItems<Item>(
  given: ToolArguments,
  words: readonly string[],
  { what, find }: { readonly what: string; readonly find: (word: string) => Item | undefined },
): Named<Item> {
  const isTable = words[0] === 'table'
  const items = (isTable ? words.slice(1) : words).map(
    (word) => find(word) ?? given.wrong(`no ${what} is called ${word}`),
  )
  return { isTable, items }
}
