/** What agents tell of themselves in attributes, and what tasks ask of it by name. */
import type { Namespace } from './linux.ts'
import type { TaskContainer } from './schema/task-container.ts'
import type { TaskLinux, TaskRlimit } from './schema/task-linux.ts'

/** By what its tasks are killed. */
export const ISOLATION = 'isolation'
/** The list of what holds its tasks. Without it, it has none. */
export const ISOLATORS = 'isolators'
/** The list of what its tasks can be: `process,docker`. Without it, processes only. */
export const CONTAINERIZERS = 'containerizers'
/** What its container service is, if it has one. */
export const IMAGES = 'images'

/** An agent says them itself: nobody else can. */
export const OWN_ATTRIBUTES: readonly string[] = [ISOLATION, ISOLATORS, CONTAINERIZERS, IMAGES]

/** Those that a task can ask for. */
export type AskedIsolator =
  | 'rlimits'
  | 'capabilities'
  | 'no-new-privileges'
  | `${Namespace}-namespace`

/** What must match such a list with that word in it. */
export const listWith = (word: AskedIsolator | TaskContainer['kind']): string =>
  `(.*,)?${word}(,.*)?`

interface Asked {
  readonly rlimits?: readonly TaskRlimit[]
  readonly linux?: TaskLinux
}

/** What it takes to run a task. */
export function isolatorsAskedBy({ rlimits = [], linux = {} }: Asked): readonly AskedIsolator[] {
  const { capabilities, noNewPrivileges, namespaces = [] } = linux
  return [
    ...(rlimits.length > 0 ? ['rlimits' as const] : []),
    ...(capabilities === undefined ? [] : ['capabilities' as const]),
    ...(noNewPrivileges ? ['no-new-privileges' as const] : []),
    ...namespaces.map((name) => `${name}-namespace` as const),
  ]
}
