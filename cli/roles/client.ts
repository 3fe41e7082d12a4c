/** What commands ask the leader about roles. */
import { RefusedError } from '../../bus/service.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { RoleItem, SetQuotas, SetWeights } from '../../protocol/schema/operator.ts'
import type { OperatorClient } from '../operator-client.ts'

/** Where something stands in the call, which the user has not written. */
const PLACE = /^(?:quotas|weights)\.\d+(?:\.\w+)*:? /
/** A listing takes no longer begin of a role. */
const PREFIX_LENGTH_MAX = 64

/** All roles, or those whose names begin like `role`. */
export async function rolesOf(
  client: OperatorClient,
  role: string | undefined,
): Promise<readonly RoleItem[]> {
  const items: RoleItem[] = []
  for await (const page of client.list('roles', role?.slice(0, PREFIX_LENGTH_MAX))) {
    items.push(...page)
  }
  return items
}

export const hasQuota = ({ guarantee, limit }: RoleItem): boolean =>
  Object.keys(guarantee).length + Object.keys(limit).length > 0

/** Those of `names` that no agent has: nothing is held back by them. None where no agent is. */
export async function unknownResources(
  client: OperatorClient,
  names: readonly string[],
): Promise<readonly string[]> {
  const unknown = new Set(names)
  let isAnyAgent = false
  for await (const page of client.list('agents')) {
    isAnyAgent ||= page.length > 0
    for (const { name } of page.flatMap(({ total }) => total)) unknown.delete(name)
    if (unknown.size === 0) break
  }
  return isAnyAgent ? [...unknown] : []
}

/**
 * Changes roles, all of them or none.
 *
 * @throws {ClusterError} `cli/role-refused`: what the leader has against it; else as `ask`.
 */
export async function askForChange(
  client: OperatorClient,
  ...[verb, body]: ['set-quotas', SetQuotas] | ['set-weights', SetWeights]
): Promise<void> {
  try {
    if (verb === 'set-quotas') await client.ask(verb, body)
    else await client.ask(verb, body)
  } catch (error) {
    if (!(error instanceof RefusedError) || error.retry === 'later') throw error
    const sentence = error.refusal.message.replace(PLACE, '').replace('; force ', '; --force ')
    throw new ClusterError('cli/role-refused', 'never', sentence)
  }
}
