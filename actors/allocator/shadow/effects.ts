/** All that a shadow can do to the world. */
import type { ShadowReport } from '../../../protocol/schema/shadow.ts'

export type ShadowPhase = ShadowReport['phase']

export type ShadowEffect =
  /** Asks the leader to tell everything anew. May be lost: it is asked again. */
  | { readonly do: 'ask' }
  /** May be lost: the next one says all of it again. */
  | { readonly do: 'publish'; readonly report: ShadowReport }
  /** Its policy was no good; it goes on with the default one. */
  | { readonly do: 'tell-failure'; readonly policy: string; readonly problem: string }
  /** For people and tests; nothing depends on it. */
  | { readonly do: 'tell-phase'; readonly phase: ShadowPhase }
