/** `bourse agents | frameworks | tasks | offers`. */
import { COLUMNS } from '../columns.ts'
import { EXIT, type ExitCode, wrongUse } from '../exit-code.ts'
import { type Io, jsonLine } from '../io.ts'
import {
  type Item,
  type ListingVerb,
  type OperatorClient,
  withOperator,
} from '../operator-client.ts'
import type { Invocation } from '../options.ts'
import { tableLines } from '../table.ts'

export function listing<V extends ListingVerb>(
  verb: V,
  prefix: string | undefined,
  { options, io }: Invocation,
): Promise<ExitCode> {
  if (prefix !== undefined) requirePrefix(prefix)
  return withOperator(options, io.env, async (client) => {
    if (options.json) await printDocument(client.list(verb, prefix), io)
    else printTable(verb, await allItems(client, verb, prefix), { client, io })
    return EXIT.done
  })
}

/** Every item of a listing. */
export async function allItems<V extends ListingVerb>(
  client: OperatorClient,
  verb: V,
  prefix: string | undefined,
): Promise<readonly Item<V>[]> {
  const items: Item<V>[] = []
  for await (const page of client.list(verb, prefix)) items.push(...page)
  return items
}

export function printTable<V extends ListingVerb>(
  verb: V,
  items: readonly Item<V>[],
  { client, io }: { readonly client: OperatorClient; readonly io: Io },
): void {
  if (items.length === 0) return io.printError(`no ${verb}`)
  const columns = COLUMNS[verb](client.clock.now().wallMs)
  for (const line of tableLines(columns, items, io.columns)) io.print(line)
}

/** One array, printed as its pages arrive. */
async function printDocument(pages: AsyncIterable<readonly unknown[]>, io: Io): Promise<void> {
  let separator = '['
  for await (const page of pages) {
    for (const item of page) {
      io.write(`${separator}\n${jsonLine(item)}`)
      separator = ','
    }
    await io.drained()
  }
  io.print(separator === '[' ? '[]' : '\n]')
}

/** @throws {ClusterError} `cli/usage`. */
export function requirePrefix(prefix: string): void {
  if (!/^[\w-]{1,64}$/.test(prefix))
    throw wrongUse(`"${prefix}" begins no id: 1 to 64 letters, digits, _ or -`)
}
