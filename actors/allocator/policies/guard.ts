/** A policy that somebody else wrote: it sees copies only, and what it gives is looked at. */
import type { Policy } from '../policy.ts'

const TOLD_LENGTH_MAX = 200

/** A policy threw, or gave what is no finite number: whatever was being done is void. */
export class PolicyFailure extends Error {
  override readonly name = 'PolicyFailure'
}

/** A policy whose every answer is looked at. */
export interface Guarded {
  readonly policy: Policy
  /** Which function was being asked, and of whom, when it was broken off. It says so once. */
  readonly asking: () => string | undefined
}

/**
 * Every standing is a frozen copy of what a policy may see. The functions throw {PolicyFailure} and
 * nothing else.
 */
export function guarded(policy: Policy): Guarded {
  let asking: string | undefined
  const number = (name: string, of: string, rank: () => unknown): number => {
    asking = `${name} for ${of}`
    const given = answerOf(asking, rank)
    asking = undefined
    return given
  }
  return {
    asking() {
      const was = asking
      asking = undefined
      return was
    },
    policy: {
      name: policy.name,
      rankRole: ({ role, name, depth, share, weight, given }) =>
        number('rankRole', role, () =>
          policy.rankRole(Object.freeze({ role, name, depth, share, weight, given })),
        ),
      rankMember: ({ principal, frameworkId, role, share, given }) =>
        number('rankMember', frameworkId, () =>
          policy.rankMember(Object.freeze({ principal, frameworkId, role, share, given })),
        ),
      ...(policy.rankAgent && {
        rankAgent: ({ agentId, hostname, fill, ...amounts }) =>
          number('rankAgent', agentId, () => {
            const free = Object.freeze({ ...amounts.free })
            const total = Object.freeze({ ...amounts.total })
            return policy.rankAgent?.(Object.freeze({ agentId, hostname, free, total, fill }))
          }),
      }),
    },
  }
}

function answerOf(asked: string, rank: () => unknown): number {
  let given: unknown
  try {
    given = rank()
  } catch (error) {
    throw new PolicyFailure(`${asked} threw ${shown(error)}`, { cause: error })
  }
  if (typeof given === 'number' && Number.isFinite(given)) return given
  throw new PolicyFailure(`${asked} gave ${shown(given)}, not a finite number`)
}

/** What a stranger made, as text: even that may throw. */
function shown(value: unknown): string {
  try {
    const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
    return text.slice(0, TOLD_LENGTH_MAX)
  } catch {
    // It cannot be shown: what kind of thing it is must do.
    return `some ${typeof value}`
  }
}
