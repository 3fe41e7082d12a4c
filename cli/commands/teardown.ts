/** `bourse teardown FRAMEWORK`. */
import { ClusterError } from '../../protocol/errors.ts'
import type { FrameworkItem } from '../../protocol/schema/operator.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { jsonLine } from '../io.ts'
import { type OperatorClient, withOperator } from '../operator-client.ts'
import type { Invocation } from '../options.ts'
import { plural } from '../plural.ts'
import { allItems, requirePrefix } from './listing.ts'

export function teardown(wanted: string, { options, io }: Invocation): Promise<ExitCode> {
  requirePrefix(wanted)
  return withOperator(options, io.env, async (client) => {
    const { principal, frameworkId, tasks } = await findFramework(client, wanted)
    await client.ask('teardown', { principal, frameworkId })
    if (options.json) io.print(jsonLine({ principal, frameworkId, tasks }))
    else io.print(`ending ${frameworkId} and what of its ${plural(tasks, 'task')} still runs`)
    return EXIT.done
  })
}

/**
 * The only one that is meant: a whole id wins over longer ones that begin so.
 *
 * @throws {ClusterError} `cli/no-framework`; `cli/several-frameworks`; as `ask`.
 */
async function findFramework(client: OperatorClient, wanted: string): Promise<FrameworkItem> {
  const found = (await allItems(client, 'frameworks', wanted)).filter(
    ({ frameworkId, state }) => frameworkId.startsWith(wanted) && state !== 'ended',
  )
  const whole = found.filter(({ frameworkId }) => frameworkId === wanted)
  const [framework, ...others] = whole.length > 0 ? whole : found
  if (framework === undefined) {
    const message = `no framework has an id that begins with ${wanted}`
    throw new ClusterError('cli/no-framework', 'never', message)
  }
  if (others.length === 0) return framework
  const names = [framework, ...others].map(({ frameworkId }) => frameworkId).join(', ')
  const message = `${wanted} begins ${others.length + 1} frameworks: ${names}`
  throw new ClusterError('cli/several-frameworks', 'never', message)
}
