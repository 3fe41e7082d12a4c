/** Who asks for what the server forbids gets no answer: it is told on the side. */
import type { ClusterError } from '../../protocol/errors.ts'

export interface ForbiddenWatch {
  /** Rejects with what was forbidden first, `bus/forbidden`. For a race with what is waited for. */
  readonly forbidden: Promise<never>
  /** For `natsSystem`. */
  readonly onFault: (fault: ClusterError) => void
}

/** May whoever is connected not listen or publish there? */
export const isForbidden = ({ code, cause }: ClusterError, subject: string): boolean =>
  code === 'bus/forbidden' && (cause as { subject?: unknown } | undefined)?.subject === subject

/** `onFault` is told of all faults, these too. */
export function watchForbidden(onFault?: (fault: ClusterError) => void): ForbiddenWatch {
  let forbid: (fault: ClusterError) => void = () => undefined
  const forbidden = new Promise<never>((_, reject) => {
    forbid = reject
  })
  // It may come when nobody waits.
  forbidden.catch(() => undefined)
  return {
    forbidden,
    onFault(fault) {
      if (fault.code === 'bus/forbidden') forbid(fault)
      onFault?.(fault)
    },
  }
}
