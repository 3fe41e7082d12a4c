/** What a core has to say to each receiver until the turn is over, cut into messages by bytes. */
import { LIST_BYTES_MAX } from '../../protocol/limits.ts'
import { wireBytesAtMost } from '../../protocol/wire-size.ts'

/** Schemas allow a little more. */
const ITEMS_MAX = 4_096

interface Queue<To, Item> {
  readonly to: To
  items: Item[]
}

/** Keeps the order of what is said to one receiver. */
export class Outbox<To, Item> {
  readonly #queues = new Map<string, Queue<To, Item>>()

  get isEmpty(): boolean {
    return this.#queues.size === 0
  }

  add(key: string, to: To, item: Item): void {
    const queue = this.#queues.get(key)
    if (queue === undefined) this.#queues.set(key, { to, items: [item] })
    else queue.items.push(item)
  }

  /** Takes back what was to be said to one: it would not listen. */
  drop(key: string): void {
    this.#queues.delete(key)
  }

  /** Takes everything: for each receiver its lists, each of which fits into one message. */
  takeAll(): { readonly to: To; readonly lists: readonly (readonly Item[])[] }[] {
    const all = [...this.#queues.values()].map(({ to, items }) => ({ to, lists: cut(items) }))
    this.#queues.clear()
    return all
  }
}

/**
 * Cuts a list so that each part fits into one message. One item alone always does: see limits.
 * By default items are measured quickly and up to three times too long, so that a full part has 80
 * KB and more. Where the number of parts is limited, `sizeOf` is to measure exactly.
 */
export function cut<Item>(
  items: readonly Item[],
  sizeOf: (item: Item) => number = wireBytesAtMost,
): readonly (readonly Item[])[] {
  if (items.length === 1) return [items]
  const lists: Item[][] = []
  let list: Item[] = []
  let bytes = 0
  for (const item of items) {
    const more = sizeOf(item)
    if (list.length > 0 && (bytes + more > LIST_BYTES_MAX || list.length >= ITEMS_MAX)) {
      lists.push(list)
      list = []
      bytes = 0
    }
    list.push(item)
    bytes += more
  }
  if (list.length > 0) lists.push(list)
  return lists
}
