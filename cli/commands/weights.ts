/** `bourse weights [ROLE=WEIGHT…]`. */
import type { RoleWeight } from '../../protocol/schema/common.ts'
import { weightColumns } from '../columns.ts'
import { EXIT, type ExitCode, wrongUse } from '../exit-code.ts'
import { jsonLine } from '../io.ts'
import { withOperator } from '../operator-client.ts'
import type { Invocation } from '../options.ts'
import { askForChange, rolesOf } from '../roles/client.ts'
import { tableLines } from '../table.ts'
import { harmless } from '../text.ts'
import { NO_ROLES } from './listing.ts'

/** Sets them, or lists those of all roles. */
export function weights(wanted: readonly RoleWeight[], invocation: Invocation): Promise<ExitCode> {
  return wanted.length === 0 ? list(invocation) : set(wanted, invocation)
}

function list({ options, io }: Invocation): Promise<ExitCode> {
  return withOperator(options, io.env, async (client) => {
    const items = await rolesOf(client, undefined)
    if (options.json) io.print(jsonLine(items.map(({ role, weight }) => ({ role, weight }))))
    else if (items.length === 0) io.printError(`bourse: ${NO_ROLES}`)
    else for (const line of tableLines(weightColumns(), items, io.columns)) io.print(line)
    return EXIT.done
  })
}

function set(wanted: readonly RoleWeight[], { options, io }: Invocation): Promise<ExitCode> {
  const twice = wanted.find(({ role }, i) => wanted.findIndex((one) => one.role === role) < i)
  if (twice !== undefined) throw wrongUse(`${twice.role} stands there twice`)
  return withOperator(options, io.env, async (client) => {
    await askForChange(client, 'set-weights', { weights: [...wanted] })
    for (const { role, weight } of wanted) {
      io.print(options.json ? jsonLine({ role, weight }) : harmless(`${role}: weight ${weight}`))
    }
    return EXIT.done
  })
}
