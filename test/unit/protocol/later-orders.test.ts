import test from 'ava'
import { LATER_ORDERS } from '../../../protocol/later-orders.ts'
import { AgentOrder } from '../../../protocol/schema/agent.ts'

/** For ever the same: agents of the first builds know no others. */
const FIRST_ORDERS = [
  'invite',
  'registered',
  'missing',
  'not-registered',
  'run',
  'kill',
  'framework-subscribed',
  'tear-down',
  'ping',
  'send-output',
]

test('every order is one that all agents understand, or one that they say they do', (t) => {
  const { oneOf } = AgentOrder as unknown as {
    readonly oneOf: readonly {
      readonly properties: { readonly kind: { readonly const: string } }
    }[]
  }
  const kinds = oneOf.map(({ properties }) => properties.kind.const)
  t.deepEqual(kinds.toSorted(), [...FIRST_ORDERS, ...LATER_ORDERS].toSorted())
})
