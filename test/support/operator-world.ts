/** An operator's client and a leader on a simulated bus. */
import type { Clock } from '../../bus/clock.ts'
import { type Messenger, openMessenger, type Service } from '../../bus/messenger.ts'
import type { StoreHealth } from '../../bus/nats/store-health.ts'
import { SimulatedClock } from '../../bus/simulated/clock.ts'
import { SimulatedSystem } from '../../bus/simulated/system.ts'
import { type OperatorClient, operatorClient } from '../../cli/operator-client.ts'
import type { Principal } from '../../protocol/ids.ts'
import type { Route } from '../../protocol/route.ts'
import { inboxOf, operatorCall } from '../../protocol/subjects.ts'

export const CLUSTER = 'c'

export interface World {
  readonly clock: SimulatedClock
  readonly client: OperatorClient
  readonly leader: Messenger
}

type Handle = Service<
  typeof operatorCall extends Route<infer Ids, infer _> ? Ids : never,
  typeof operatorCall extends Route<infer _, infer Name> ? Name : never
>['handle']

export async function aWorld(askStore?: () => Promise<StoreHealth>): Promise<World> {
  const clock = new SimulatedClock()
  const system = new SimulatedSystem(clock)
  const [own, leaders] = await clock.runFor(
    Promise.all([system.connect({ name: 'own' }), system.connect({ name: 'leader' })]),
  )
  // Whoever waits for a timer is to go on before the next thing happens.
  const settling: Clock = {
    now: () => clock.now(),
    soon: (fn) => clock.soon(fn),
    after: (delayMs, fn) =>
      clock.after(delayMs, () => {
        clock.settles()
        fn()
      }),
  }
  const client = operatorClient({
    bus: own,
    clock: settling,
    cluster: CLUSTER,
    principal: 'local' as Principal,
    isOpen: true,
    ...(askStore && { askStore }),
  })
  const leader = openMessenger({
    bus: leaders,
    clock,
    randomToken: (bits) => '0'.repeat(bits / 4),
    isOpen: true,
    onRefused: () => undefined,
  })
  return { clock, client, leader }
}

/** The leader answers operators' calls as `handle` does; whoever waits for an answer goes on. */
export function serveOperators(
  { leader, clock }: Pick<World, 'leader' | 'clock'>,
  handle: Handle,
): void {
  leader.serve(
    operatorCall,
    { cluster: CLUSTER },
    {
      inboxOf: ({ cluster, principal }) => inboxOf(cluster, 'operator', principal),
      handle(body, ids, message) {
        clock.settles()
        handle(body, ids, message)
      },
    },
  )
}
