/** `bourse agents | frameworks | tasks | offers | roles`. */
import type { TaskItem } from '../../protocol/schema/operator.ts'
import { COLUMNS } from '../columns.ts'
import { EXIT, type ExitCode, wrongUse } from '../exit-code.ts'
import { newestFirst } from '../find-task.ts'
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
  if (prefix !== undefined) (verb === 'roles' ? requireRoleBegin : requirePrefix)(prefix)
  return withOperator(options, io.env, async (client) => {
    if (options.json) await printDocument(client.list(verb, prefix), io)
    else {
      const items = await allItems(client, verb, prefix)
      if (items.length > 0) printTable(verb, items, { client, io })
      else io.printError(`bourse: ${prefix === undefined ? NONE[verb] : noneWith(verb, prefix)}`)
    }
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
  const columns = COLUMNS[verb](client.clock.now().wallMs)
  const sorted = verb === 'tasks' ? inGroups(items as readonly TaskItem[]) : items
  for (const line of tableLines(columns, sorted as readonly Item<V>[], io.columns)) io.print(line)
}

/**
 * Tasks of one framework stand together as they were launched; the newest framework comes first.
 */
export function inGroups(tasks: readonly TaskItem[]): readonly TaskItem[] {
  const groups = new Map<string, TaskItem[]>()
  for (const task of newestFirst(tasks)) {
    const key = `${task.principal}.${task.frameworkId}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [task])
    else group.push(task)
  }
  return [...groups.values()].flatMap((group) => group.reverse())
}

export const NO_ROLES =
  'no roles: there is one while a framework asks for it, or it has a weight or a quota'

/** What to do when there is none. */
const NONE = {
  agents: 'no agents: start one with `bourse agent`',
  frameworks: 'no frameworks: `bourse run -- COMMAND` is one while it runs',
  tasks: 'no tasks: start one with `bourse run -- COMMAND`',
  offers: 'no offers: frameworks that want something have been given it, or there is no agent',
  roles: NO_ROLES,
} as const

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

const noneWith = (verb: ListingVerb, prefix: string): string =>
  `no ${verb} with ${verb === 'roles' ? 'a name' : 'an id'} that begins with ${prefix}`

/** Any that some role's name has. */
function requireRoleBegin(prefix: string): void {
  if (!/^[^\s\p{Cc}]{1,64}$/u.test(prefix))
    throw wrongUse(`"${prefix}" begins no role: 1 to 64 characters without white space`)
}

/** @throws {ClusterError} `cli/usage`. */
export function requirePrefix(prefix: string): void {
  if (!/^[\w-]{1,64}$/.test(prefix))
    throw wrongUse(`"${prefix}" begins no id: 1 to 64 letters, digits, _ or -`)
}
