/**
 * What happens when, in virtual time: a binary heap ordered by time and then by order of arrival.
 */

export interface Event {
  readonly atMs: number
  readonly order: number
  run: (() => void) | undefined
}

export class EventQueue {
  readonly #heap: Event[] = []
  #count = 0

  get next(): Event | undefined {
    return this.#heap[0]
  }

  get size(): number {
    return this.#heap.length
  }

  add(atMs: number, run: () => void): Event {
    const event = { atMs, order: this.#count++, run }
    const heap = this.#heap
    let i = heap.length
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent] as Event
      // What comes later goes below; of two at one time, `event` is the later.
      if (above.atMs <= atMs) break
      heap[i] = above
      i = parent
    }
    heap[i] = event
    return event
  }

  take(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let i = 0
    while (true) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event))
        child++
      if (isBefore(last, heap[child] as Event)) break
      heap[i] = heap[child] as Event
      i = child
    }
    heap[i] = last
    return first
  }
}

const isBefore = (a: Event, b: Event): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
