/** What comes when it comes, as an async iterable: each item goes to one reader, in order. */

interface Waiting<T> {
  /** Whose it is; undefined: nobody's in particular. */
  readonly reader: symbol | undefined
  readonly resolve: (result: IteratorResult<T, undefined>) => void
  readonly reject: (error: Error) => void
}

const DONE = { done: true, value: undefined } as const

/** So many items are kept before the dead among them are looked for. */
const SWEEP_MIN = 64

export class Feed<T> implements AsyncIterable<T> {
  #items: T[] = []
  #sweepAt = SWEEP_MIN
  #waiting: Waiting<T>[] = []
  readonly #isLive: (item: T) => boolean
  #end: { readonly error: Error | undefined } | undefined

  /** What is not live any more when its turn comes is passed over. */
  constructor(isLive: (item: T) => boolean = () => true) {
    this.#isLive = isLive
  }

  push(item: T): void {
    if (this.#end !== undefined) return
    const first = this.#waiting.shift()
    if (first !== undefined) return first.resolve({ done: false, value: item })
    this.#items.push(item)
    if (this.#items.length >= this.#sweepAt) this.#sweep()
  }

  /** Who reads no more keeps no more than twice what is live. */
  #sweep(): void {
    this.#items = this.#items.filter((item) => this.#isLive(item))
    this.#sweepAt = Math.max(SWEEP_MIN, 2 * this.#items.length)
  }

  /** How many wait for a reader, dead ones among them. */
  get length(): number {
    return this.#items.length
  }

  /** No more comes. What is there is still read; then readers end, or throw `error`. */
  end(error?: Error): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    for (const { resolve, reject } of this.#waiting.splice(0))
      if (error === undefined) resolve(DONE)
      else reject(error)
  }

  /** Takes what nobody has read. */
  takeRest(): readonly T[] {
    return this.#items.splice(0)
  }

  next(reader?: symbol): Promise<IteratorResult<T, undefined>> {
    for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift())
      if (this.#isLive(item)) return Promise.resolve({ done: false, value: item })
    if (this.#end === undefined)
      return new Promise((resolve, reject) => this.#waiting.push({ reader, resolve, reject }))
    const { error } = this.#end
    return error === undefined ? Promise.resolve(DONE) : Promise.reject(error)
  }

  /** Who leaves is given nothing more: not even what was asked for and has not come yet. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> & { return(): Promise<typeof DONE> } {
    const reader = Symbol()
    let hasLeft = false
    return {
      next: () => (hasLeft ? Promise.resolve(DONE) : this.next(reader)),
      return: () => {
        hasLeft = true
        this.#dismiss(reader)
        return Promise.resolve(DONE)
      },
    }
  }

  #dismiss(reader: symbol): void {
    const left = this.#waiting.filter((waiting) => waiting.reader === reader)
    this.#waiting = this.#waiting.filter((waiting) => waiting.reader !== reader)
    for (const { resolve } of left) resolve(DONE)
  }
}
