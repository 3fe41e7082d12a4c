/** All that one task started, as a thing that can be signalled. */
export interface KillScope {
  /** SIGTERM to everything in it now. */
  terminate(): void
  /** SIGKILL to everything in it. Call again while it is not empty: it may fork meanwhile. */
  kill(): void
  /** What lives in it now. */
  pids(): readonly number[]
  /** True once nothing in it lives: it stays so. */
  isEmpty(): boolean
  /** Removes what the scope itself is made of. False: not yet, call again. May be repeated. */
  remove(): boolean
}
