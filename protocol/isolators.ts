/** What tasks ask of their agents by name, and how agents tell what they have of it. */
import type { Namespace } from './linux.ts'
import type { TaskLinux, TaskRlimit } from './schema/task-linux.ts'

/** What an agent calls the list of what holds its tasks. Without it, it has none. */
export const ISOLATORS = 'isolators'

/** Those that a task can ask for. */
export type ConfinementName =
  | 'rlimits'
  | 'capabilities'
  | 'no-new-privileges'
  | `${Namespace}-namespace`

/** What must match the attribute of an agent that has it. */
export const isolatorsWith = (name: ConfinementName): string => `(.*,)?${name}(,.*)?`

interface Asked {
  readonly rlimits?: readonly TaskRlimit[]
  readonly linux?: TaskLinux
}

/** What it takes to run a task. */
export function isolatorsAskedBy({ rlimits = [], linux = {} }: Asked): readonly ConfinementName[] {
  const { capabilities, noNewPrivileges, namespaces = [] } = linux
  return [
    ...(rlimits.length > 0 ? ['rlimits' as const] : []),
    ...(capabilities === undefined ? [] : ['capabilities' as const]),
    ...(noNewPrivileges ? ['no-new-privileges' as const] : []),
    ...namespaces.map((name) => `${name}-namespace` as const),
  ]
}
