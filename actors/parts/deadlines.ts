/** What is due when: a heap of deadlines by key. A core owns one and says when it must be woken. */

interface Entry<T> {
  readonly key: string
  readonly atMs: number
  /** Of two at the same time the one that was set first comes first. */
  readonly nth: number
  readonly value: T
  cancelled: boolean
}

function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.atMs === b.atMs ? a.nth < b.nth : a.atMs < b.atMs
}

/** Fewer cancelled entries than this are not worth the sweep. */
const CANCELLED_MIN = 64

/** Times are monotonic milliseconds. Setting and clearing cost O(log n). */
export class Deadlines<T> {
  #heap: Entry<T>[] = []
  #cancelled = 0
  #set = 0
  readonly #byKey = new Map<string, Entry<T>>()

  /** Replaces a deadline of the same key. */
  set(key: string, atMs: number, value: T): void {
    this.clear(key)
    this.#set += 1
    const entry = { key, atMs, nth: this.#set, value, cancelled: false }
    this.#byKey.set(key, entry)
    this.#heap.push(entry)
    this.#up(this.#heap.length - 1)
  }

  clear(key: string): void {
    const entry = this.#byKey.get(key)
    if (entry === undefined) return
    entry.cancelled = true
    this.#byKey.delete(key)
    this.#cancelled += 1
    if (this.#cancelled >= CANCELLED_MIN && this.#cancelled * 2 > this.#heap.length) this.#sweep()
  }

  clearAll(): void {
    this.#heap.length = 0
    this.#byKey.clear()
    this.#cancelled = 0
  }

  /** What is kept: the deadlines, and at most as many cancelled ones. */
  get size(): number {
    return this.#heap.length
  }

  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  /** When the earliest is due; undefined when nothing is. */
  nextMs(): number | undefined {
    this.#dropCancelled()
    return this.#heap[0]?.atMs
  }

  /** Takes the earliest that is due at `nowMs`, the first set of several; undefined: none is. */
  takeDue(nowMs: number): T | undefined {
    this.#dropCancelled()
    const first = this.#heap[0]
    if (first === undefined || first.atMs > nowMs) return undefined
    this.#byKey.delete(first.key)
    this.#pop()
    return first.value
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled) {
      this.#cancelled -= 1
      this.#pop()
    }
  }

  /** Far deadlines that are set again and again would pile up until they are due. */
  #sweep(): void {
    this.#heap = this.#heap.filter(({ cancelled }) => !cancelled)
    this.#cancelled = 0
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#down(at)
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
      if (!isBefore(heap[at] as Entry<T>, heap[parent] as Entry<T>)) return
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
        if (entry !== undefined && isBefore(entry, heap[least] as Entry<T>)) least = child
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
