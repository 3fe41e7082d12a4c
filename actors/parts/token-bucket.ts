/** Token buckets by key: how often each may do a thing, and how much at once. */

export interface Rate {
  readonly perS: number
  /** Tokens of a full bucket. At least 1. */
  readonly burst: number
}

interface Bucket {
  tokens: number
  atMs: number
}

/** Buckets looked at for every new one: those that are full again need not be remembered. */
const SWEPT_PER_KEY = 2

/**
 * At most `keysMax` buckets are remembered, however many keys strangers invent: while there are so
 * many that are not full, whoever is new shares one with all others who are.
 */
export class TokenBuckets {
  readonly #rate: Rate
  readonly #keysMax: number
  readonly #buckets = new Map<string, Bucket>()
  readonly #shared: Bucket

  constructor(rate: Rate, keysMax: number) {
    this.#rate = rate
    this.#keysMax = keysMax
    this.#shared = { tokens: rate.burst, atMs: 0 }
  }

  get size(): number {
    return this.#buckets.size
  }

  /**
   * Takes tokens of `key`'s bucket; false: it has not so many, and none is taken. `nowMs` is
   * monotonic.
   */
  take(key: string, nowMs: number, tokens = 1): boolean {
    const bucket = this.#buckets.get(key) ?? this.#open(key, nowMs)
    this.#fill(bucket, nowMs)
    if (bucket.tokens < tokens) return false
    bucket.tokens -= tokens
    return true
  }

  /** The same of what has been used already: who had less owes the rest. */
  spend(key: string, nowMs: number, tokens: number): void {
    const bucket = this.#buckets.get(key) ?? this.#open(key, nowMs)
    this.#fill(bucket, nowMs)
    bucket.tokens -= tokens
  }

  #open(key: string, nowMs: number): Bucket {
    this.#sweep(nowMs)
    if (this.#buckets.size >= this.#keysMax) return this.#shared
    const bucket = { tokens: this.#rate.burst, atMs: nowMs }
    this.#buckets.set(key, bucket)
    return bucket
  }

  #fill(bucket: Bucket, nowMs: number): void {
    const { perS, burst } = this.#rate
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1_000) * perS)
    bucket.atMs = nowMs
  }

  /** Looks at the oldest few: each is forgotten, or comes last. */
  #sweep(nowMs: number): void {
    let left = SWEPT_PER_KEY
    for (const [key, bucket] of this.#buckets) {
      if (left === 0) return
      left -= 1
      this.#buckets.delete(key)
      this.#fill(bucket, nowMs)
      if (bucket.tokens < this.#rate.burst) this.#buckets.set(key, bucket)
    }
  }
}
