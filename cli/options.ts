/** What every command takes. */
import type { ClusterOptions } from './find-cluster.ts'
import type { Io } from './io.ts'

export interface CommandOptions extends ClusterOptions {
  /** For programs: one document, or a line for each item of a stream. */
  readonly json?: boolean
}

/** What every command is given beside its own arguments. */
export interface Invocation<Options extends CommandOptions = CommandOptions> {
  readonly options: Options
  readonly io: Io
}
