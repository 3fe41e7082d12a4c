/**
 * Pages of a listing: what an operator asks of a cluster of any size costs one look at each item.
 */
import { LIST_BYTES_MAX, LISTING_ITEMS_MAX } from '../../protocol/limits.ts'
import type { Listing } from '../../protocol/schema/operator.ts'
import { wireBytes } from '../../protocol/wire-size.ts'

interface Keyed<T> {
  readonly key: string
  readonly one: T
}

const byKey = (a: Keyed<unknown>, b: Keyed<unknown>): number => (a.key < b.key ? -1 : 1)

/** Items in the order of their keys, from behind `after`, as many as fit into one message. */
export function page<T>(
  { after = '', prefix = '' }: Listing,
  all: Iterable<T>,
  keyOf: (one: T) => string,
  show: (one: T) => object,
): object {
  const wanted = new FirstByKey<T>(LISTING_ITEMS_MAX + 1)
  for (const one of all) {
    const key = keyOf(one)
    if (key > after && isMatch(key, prefix)) wanted.add({ key, one })
  }
  const items: object[] = []
  let bytes = 0
  let last: string | undefined
  for (const { key, one } of wanted.take()) {
    const item = show(one)
    bytes += wireBytes(item)
    if (items.length === LISTING_ITEMS_MAX || (items.length > 0 && bytes > LIST_BYTES_MAX)) {
      return { items, next: last }
    }
    items.push(item)
    last = key
  }
  return { items }
}

/** The first few by key. All are never sorted: there may be a million. */
class FirstByKey<T> {
  readonly #max: number
  #kept: Keyed<T>[] = []
  /** Whatever stands behind it is not among the first. */
  #limit: string | undefined

  constructor(max: number) {
    this.#max = max
  }

  add(keyed: Keyed<T>): void {
    if (this.#limit !== undefined && keyed.key > this.#limit) return
    this.#kept.push(keyed)
    if (this.#kept.length < 4 * this.#max) return
    this.#kept = [...this.take()]
    this.#limit = this.#kept.at(-1)?.key
  }

  take(): readonly Keyed<T>[] {
    return this.#kept.sort(byKey).slice(0, this.#max)
  }
}

/** A prefix of the id, or of its part behind the dot: people do not type principals. */
function isMatch(key: string, prefix: string): boolean {
  return key.startsWith(prefix) || (!prefix.includes('.') && key.includes(`.${prefix}`))
}
