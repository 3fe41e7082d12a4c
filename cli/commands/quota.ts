/** `bourse quota get|set|remove`. */
import type { RoleQuota, Sums } from '../../protocol/schema/common.ts'
import type { RoleItem } from '../../protocol/schema/operator.ts'
import { quotaColumns } from '../columns.ts'
import { EXIT, type ExitCode, wrongUse } from '../exit-code.ts'
import { jsonLine } from '../io.ts'
import { withOperator } from '../operator-client.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import { askForChange, hasQuota, rolesOf, unknownResources } from '../roles/client.ts'
import { quotaProblem, quotaText } from '../roles/flags.ts'
import { tableLines } from '../table.ts'
import { harmless } from '../text.ts'

export interface SetQuotaOptions extends CommandOptions {
  readonly guarantee?: Sums
  readonly limit?: Sums
  readonly force?: boolean
}

/** Of one role, or of all that have one. */
export function getQuota(role: string | undefined, invocation: Invocation): Promise<ExitCode> {
  const { options, io } = invocation
  return withOperator(options, io.env, async (client) => {
    const all = await rolesOf(client, role)
    const items = all.filter((item) => hasQuota(item) && (role === undefined || item.role === role))
    if (options.json) io.print(jsonLine(items.map(quotaOf)))
    else if (items.length > 0) {
      for (const line of tableLines(quotaColumns(), items, io.columns)) io.print(line)
    } else
      io.printError(
        harmless(`bourse: ${role === undefined ? 'no role has a' : `${role} has no`} quota`),
      )
    return EXIT.done
  })
}

function quotaOf({ role, guarantee, limit, used, offered }: RoleItem): object {
  return { role, guarantee, limit, used, offered }
}

/** Replaces what there was. */
export function setQuota(
  role: string,
  { options, io }: Invocation<SetQuotaOptions>,
): Promise<ExitCode> {
  const { guarantee, limit, force } = options
  if (guarantee === undefined && limit === undefined)
    throw wrongUse('neither --guarantee nor --limit is given: `bourse quota remove` ends a quota')
  const quota = { role, ...(guarantee && { guarantee }), ...(limit && { limit }) }
  requireGood([quota])
  return withOperator(options, io.env, async (client) => {
    await askForChange(client, 'set-quotas', { quotas: [quota], ...(force && { force }) })
    printQuota(quota, { options, io })
    const unknown = limit ? await unknownResources(client, Object.keys(limit)) : []
    for (const name of unknown)
      io.printError(harmless(`bourse: no agent has \`${name}\`: the limit holds nothing back`))
    return EXIT.done
  })
}

export function removeQuotas(
  roles: readonly string[],
  { options, io }: Invocation,
): Promise<ExitCode> {
  const quotas = [...new Set(roles)].map((role) => ({ role }))
  requireGood(quotas)
  return withOperator(options, io.env, async (client) => {
    const all = await rolesOf(client, undefined)
    const before = new Set(all.filter(hasQuota).map(({ role }) => role))
    await askForChange(client, 'set-quotas', { quotas })
    for (const quota of quotas) {
      if (before.has(quota.role)) printQuota(quota, { options, io })
      else io.printError(harmless(`bourse: ${quota.role} had no quota`))
    }
    return EXIT.done
  })
}

/** What is wrong with it whatever the cluster has is wrong use. */
function requireGood(quotas: readonly RoleQuota[]): void {
  for (const quota of quotas) {
    const problem = quotaProblem(quota)
    if (problem !== undefined) throw wrongUse(problem)
  }
}

function printQuota(
  { role, guarantee = {}, limit = {} }: RoleQuota,
  { options, io }: Invocation,
): void {
  const line = harmless(`${role}: ${quotaText({ guarantee, limit })}`)
  io.print(options.json ? jsonLine({ role, guarantee, limit }) : line)
}
