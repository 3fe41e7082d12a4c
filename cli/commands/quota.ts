/** `bourse quota get|set|remove`. */
import type { RoleQuota, Sums } from '../../protocol/schema/common.ts'
import type { RoleItem } from '../../protocol/schema/operator.ts'
import { quotaColumns } from '../columns.ts'
import { EXIT, type ExitCode, wrongUse } from '../exit-code.ts'
import { jsonLine } from '../io.ts'
import { withOperator } from '../operator-client.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import { askForChange, hasQuota, rolesOf } from '../roles/client.ts'
import { quotaText } from '../roles/flags.ts'
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
  return change([quota], force === true, { options, io })
}

export function removeQuotas(roles: readonly string[], invocation: Invocation): Promise<ExitCode> {
  const quotas = [...new Set(roles)].map((role) => ({ role }))
  return change(quotas, false, invocation)
}

function change(
  quotas: RoleQuota[],
  force: boolean,
  { options, io }: Invocation,
): Promise<ExitCode> {
  return withOperator(options, io.env, async (client) => {
    await askForChange(client, 'set-quotas', { quotas, ...(force && { force }) })
    for (const { role, guarantee = {}, limit = {} } of quotas) {
      const line = harmless(`${role}: ${quotaText({ guarantee, limit })}`)
      io.print(options.json ? jsonLine({ role, guarantee, limit }) : line)
    }
    return EXIT.done
  })
}
