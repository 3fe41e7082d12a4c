/** The time of one input, as the shell saw it. Cores read no clock: they are told. */
export interface Now {
  /** Milliseconds from an arbitrary start; never goes back. Deadlines are counted on it. */
  readonly monotonicMs: number
  /** Epoch milliseconds, integer. Only for people and for `…AtMs` fields on the wire. */
  readonly wallMs: number
}
