/** What tools that open clusters of their own have in common. */
import type { ToolArguments } from '../../tools/wrong-use.ts'

/** Whoever ends this ends what it has started: the processes of a cluster end with an exit. */
export function endsBySignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(1))
}

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
