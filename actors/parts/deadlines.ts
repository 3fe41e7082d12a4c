/** What is due when: a heap of deadlines by key. A core owns one and says when it must be woken. */

interface Entry<T> {
  readonly key: string
  readonly atMs: number
  readonly value: T
  cancelled: boolean
}

/** Times are monotonic milliseconds. Setting and clearing cost O(log n). */
export class Deadlines<T> {
  readonly #heap: Entry<T>[] = []
  readonly #byKey = new Map<string, Entry<T>>()

  /** Replaces a deadline of the same key. */
  set(key: string, atMs: number, value: T): void {
    this.clear(key)
    const entry = { key, atMs, value, cancelled: false }
    this.#byKey.set(key, entry)
    this.#heap.push(entry)
    this.#up(this.#heap.length - 1)
  }

  clear(key: string): void {
    const entry = this.#byKey.get(key)
    if (entry === undefined) return
    entry.cancelled = true
    this.#byKey.delete(key)
  }

  clearAll(): void {
    this.#heap.length = 0
    this.#byKey.clear()
  }

  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  /** When the earliest is due; undefined when nothing is. */
  nextMs(): number | undefined {
    this.#dropCancelled()
    return this.#heap[0]?.atMs
  }

  /** Takes the earliest that is due at `nowMs`; undefined when none is. */
  takeDue(nowMs: number): T | undefined {
    this.#dropCancelled()
    const first = this.#heap[0]
    if (first === undefined || first.atMs > nowMs) return undefined
    this.#byKey.delete(first.key)
    this.#pop()
    return first.value
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled) this.#pop()
  }

  #pop(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    this.#down(0)
  }

  #up(index: number): void {
    const heap = this.#heap
    let at = index
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((heap[parent] as Entry<T>).atMs <= (heap[at] as Entry<T>).atMs) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #down(index: number): void {
    const heap = this.#heap
    let at = index
    for (;;) {
      const left = 2 * at + 1
      let least = at
      for (const child of [left, left + 1]) {
        const entry = heap[child]
        if (entry !== undefined && entry.atMs < (heap[least] as Entry<T>).atMs) least = child
      }
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  #swap(i: number, j: number): void {
    const held = this.#heap[i] as Entry<T>
    this.#heap[i] = this.#heap[j] as Entry<T>
    this.#heap[j] = held
  }
}
