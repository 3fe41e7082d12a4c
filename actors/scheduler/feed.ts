/** What comes when it comes, as an async iterable: each item goes to one reader, in order. */

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void
  readonly reject: (error: Error) => void
}

export class Feed<T> implements AsyncIterable<T> {
  readonly #items: T[] = []
  readonly #waiting: Waiting<T>[] = []
  readonly #isLive: (item: T) => boolean
  #end: { readonly error: Error | undefined } | undefined

  /** What is not live any more when its turn comes is passed over. */
  constructor(isLive: (item: T) => boolean = () => true) {
    this.#isLive = isLive
  }

  push(item: T): void {
    if (this.#end !== undefined) return
    const first = this.#waiting.shift()
    if (first === undefined) this.#items.push(item)
    else first.resolve({ done: false, value: item })
  }

  /** No more comes. What is there is still read; then readers end, or throw `error`. */
  end(error?: Error): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    for (const { resolve, reject } of this.#waiting.splice(0))
      if (error === undefined) resolve({ done: true, value: undefined })
      else reject(error)
  }

  /** Takes what nobody has read. */
  takeRest(): readonly T[] {
    return this.#items.splice(0)
  }

  next(): Promise<IteratorResult<T, undefined>> {
    for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift())
      if (this.#isLive(item)) return Promise.resolve({ done: false, value: item })
    if (this.#end === undefined)
      return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
    const { error } = this.#end
    return error === undefined
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(error)
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return { next: () => this.next() }
  }
}
