/**
 * All that the allocator can do to the world. Its core returns these; only its shell performs them.
 */
import type { Message } from '../../protocol/schema/messages.ts'

/**
 * Where the allocator is with its session.
 *
 * `standing-by`: no leader is heard, or another allocator has the session. `opening`: the open was
 * sent. `filling`: confirmed, figures are coming. `allocating`: all figures were said.
 */
export type Phase = 'standing-by' | 'opening' | 'filling' | 'allocating'

export type Effect =
  /** May be lost: the numbers show it, or the open is repeated. */
  | { readonly do: 'publish'; readonly message: Message<'AllocatorReports'> }
  /** The policy was no good; the default one takes its place. */
  | { readonly do: 'tell-failure'; readonly policy: string; readonly problem: string }
  /** For people and tests; nothing depends on it. */
  | { readonly do: 'tell-phase'; readonly phase: Phase }
