/** What the parts of a `bourse dev` are given by it. */
import type { Ending } from '../../actors/kit/supervise.ts'

export interface DevOwner {
  /** All that is kept until the next start, and the logs. */
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Tells whoever started it. */
  readonly say: (sentence: string) => void
  /** A process of the cluster ended by itself; without `againMs` it stays so. */
  readonly ended: (name: string, ending: Ending, againMs: number | undefined) => void
}

/** Whatever was started, with its end. */
export interface Stoppable {
  stop(): Promise<void>
}
