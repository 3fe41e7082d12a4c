/** What is told of a store that does not answer: who waits for it tells nothing else. */
import { JetStreamApiError } from '@nats-io/jetstream'
import { ClusterError } from '../../protocol/errors.ts'
import type { Clock } from '../clock.ts'
import { NO_MAJORITY } from './store-health.ts'

/** A server that ends, or finds another leader for a stream, is silent for a while. */
const SILENCE_MS = 3_000

export interface StoreSilenceDeps {
  /** Of the stream. */
  readonly name: string
  /** So many servers hold it. */
  readonly replicas: number
  readonly clock: Pick<Clock, 'now'>
  readonly isConnected: () => boolean
  /** Is told `bus/store-silent` (later), once until it answers again. */
  readonly onFault: (fault: ClusterError) => void
}

/** One store, by the outcomes of what it is asked. */
export class StoreSilence {
  readonly #deps: StoreSilenceDeps
  #sinceMs: number | undefined
  #isTold = false

  constructor(deps: StoreSilenceDeps) {
    this.#deps = deps
  }

  answered(): void {
    this.#sinceMs = undefined
    this.#isTold = false
  }

  failed(error: unknown): void {
    const { clock, onFault } = this.#deps
    const { monotonicMs } = clock.now()
    this.#sinceMs ??= monotonicMs
    if (this.#isTold || monotonicMs - this.#sinceMs < SILENCE_MS) return
    this.#isTold = true
    onFault(new ClusterError('bus/store-silent', 'later', this.#sentence(error), { cause: error }))
  }

  #sentence(error: unknown): string {
    const { name, replicas, isConnected } = this.#deps
    if (!isConnected()) return 'no NATS server answers: nothing is stored, and nobody leads'
    const silent = `the NATS store does not answer (stream ${name})`
    if (hasNoMajority(error))
      return `${silent}: no majority of its servers is there, and nobody leads without it`
    if (replicas === 1) return `${silent}: nobody leads without it`
    return `${silent}: is a majority of its ${replicas} servers there? Nobody leads without it`
  }
}

/** The servers know it, and say so, after some seconds; before that they say nothing. */
function hasNoMajority(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.code === NO_MAJORITY
  return error instanceof ClusterError && hasNoMajority(error.cause)
}
