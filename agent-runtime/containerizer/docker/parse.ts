/**
 * Fields of what a container service answers. What is of another kind than its API says counts as
 * not told: a service is another program, and no answer of it may end the agent.
 */

export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** Empty: not told. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** A whole one; undefined: not told. */
export const numberOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) ? (value as number) : undefined
