/** The latest of many, by key: so many are remembered, then the oldest are forgotten. */

interface Entry<Key, Value> {
  readonly key: Key
  readonly value: Value
}

/**
 * Forgets in constant time. A map alone does not: to find its oldest key it goes over all places
 * of keys that were deleted before.
 */
export class Recent<Key, Value> {
  readonly #byKey = new Map<Key, Entry<Key, Value>>()
  /** As they came; the next one takes the place of the oldest. Some were replaced or deleted. */
  readonly #ring: Entry<Key, Value>[] = []
  readonly #max: number
  #next = 0

  constructor(max: number) {
    this.#max = max
  }

  get(key: Key): Value | undefined {
    return this.#byKey.get(key)?.value
  }

  has(key: Key): boolean {
    return this.#byKey.has(key)
  }

  /**
   * It is the latest now. One of the same key before it takes up room until its time comes.
   * Returns the key that was forgotten for it, if one was.
   */
  set(key: Key, value: Value): Key | undefined {
    const oldest = this.#ring[this.#next]
    const isKept = oldest !== undefined && this.#byKey.get(oldest.key) === oldest
    if (isKept) this.#byKey.delete(oldest.key)
    const entry = { key, value }
    this.#byKey.set(key, entry)
    this.#ring[this.#next] = entry
    this.#next = (this.#next + 1) % this.#max
    return isKept && oldest.key !== key ? oldest.key : undefined
  }

  /** In the order in which their keys came. */
  *values(): Iterable<Value> {
    for (const { value } of this.#byKey.values()) yield value
  }

  delete(key: Key): void {
    this.#byKey.delete(key)
  }

  clear(): void {
    this.#byKey.clear()
    this.#ring.length = 0
    this.#next = 0
  }
}
