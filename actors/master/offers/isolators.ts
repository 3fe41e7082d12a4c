/** Does an agent have what a task asks of it by name? */

import type { TaskInfo } from '../../../protocol/schema/common.ts'
import type { AgentInfo } from '../../../protocol/schema/master.ts'

/** A sentence; undefined: it has, or does not say what it has. */
export function lackingIsolator(
  info: Pick<AgentInfo, 'attributes'> | undefined,
  task: TaskInfo,
): string | undefined {
  const text = info?.attributes?.find(({ name }) => name === 'isolators')?.text
  if (text === undefined) return undefined
  const has = new Set(text.split(','))
  const lacking = askedOf(task).find((name) => !has.has(name))
  return lacking === undefined ? undefined : `its agent has no ${lacking} among its isolators`
}

function askedOf({ rlimits = [], linux = {} }: TaskInfo): readonly string[] {
  const { capabilities, noNewPrivileges, namespaces = [] } = linux
  return [
    ...(rlimits.length > 0 ? ['rlimits'] : []),
    ...(capabilities === undefined ? [] : ['capabilities']),
    ...(noNewPrivileges ? ['no-new-privileges'] : []),
    ...namespaces.map((name) => `${name}-namespace`),
  ]
}
