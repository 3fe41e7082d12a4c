/** What the processes of a task may do that not everybody may, by setpriv(1). */
import type { TaskLinux } from '../../protocol/schema/task-linux.ts'

type Asked = Pick<TaskLinux, 'capabilities' | 'noNewPrivileges'>

/**
 * Options of setpriv. The bounding set is what a root task has left; the ambient one is what any
 * other user keeps.
 */
export function privilegeOptions({ capabilities, noNewPrivileges }: Asked): readonly string[] {
  const kept = capabilities && ['-all', ...capabilities.map((name) => `+${name}`)].join(',')
  return [
    ...(kept === undefined
      ? []
      : [`--bounding-set=${kept}`, `--inh-caps=${kept}`, `--ambient-caps=${kept}`]),
    ...(noNewPrivileges ? ['--no-new-privs'] : []),
  ]
}

/** What a user namespace brings must not reach the task. */
export const WITHOUT_AMBIENT: readonly string[] = ['--inh-caps=-all', '--ambient-caps=-all']

/** A sentence; undefined: all of them can be kept. */
export function capabilityProblem(
  { capabilities = [] }: Asked,
  own: ReadonlySet<string>,
): string | undefined {
  const lacking = capabilities.filter((name) => !own.has(name))
  if (lacking.length === 0) return undefined
  return `the agent cannot leave it what it does not have itself: ${lacking.join(', ')}`
}
