/** Does an agent have what a task asks of it by name? */
import { ISOLATORS, isolatorsAskedBy } from '../../../protocol/agent-attributes.ts'
import type { TaskInfo } from '../../../protocol/schema/common.ts'
import type { AgentInfo } from '../../../protocol/schema/master.ts'

/** A sentence; undefined: it has. Who does not say what it has would ignore what is asked. */
export function lackingIsolator(
  info: Pick<AgentInfo, 'attributes'> | undefined,
  task: TaskInfo,
): string | undefined {
  const text = info?.attributes?.find(({ name }) => name === ISOLATORS)?.text ?? ''
  const has = new Set(text.split(','))
  const lacking = isolatorsAskedBy(task).find((name) => !has.has(name))
  return lacking === undefined ? undefined : `its agent has no ${lacking} among its isolators`
}
