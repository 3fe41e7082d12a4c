/** What a NATS server forbids to hear for a while: its users are written anew while it runs. */
import { connect as dial } from '@nats-io/transport-node'
import test, { type ExecutionContext } from 'ava'
import type { Bus, ConnectionState } from '../../bus/bus.ts'
import { cutOff } from '../../bus/nats/client-internals.ts'
import { natsBus } from '../../bus/nats/connection.ts'
import { credentialsOf } from '../../bus/nats/credentials.ts'
import { locateNats } from '../../bus/nats/locate.ts'
import { ASK_AGAIN_MS } from '../../bus/nats/subscriptions.ts'
import { SimulatedClock } from '../../bus/simulated/clock.ts'
import type { AgentId } from '../../protocol/ids.ts'
import { agentOrders, leaderBeat } from '../../protocol/subjects.ts'
import { startSecuredServer } from '../support/secured-server.ts'
import { untilState } from './bus-contract.ts'

const cluster = 'bourse'
const ORDERS = agentOrders.to({ cluster, agentId: 'a1' as AgentId })
const BEATS = leaderBeat.to({ cluster })
const FORBIDDEN = `the server does not let a1 listen on ${ORDERS}`
const HELLO = Buffer.from('hello')

/** An agent that hears its orders and the leader's beats, and the leader. */
interface World {
  readonly clock: SimulatedClock
  readonly agent: Bus
  readonly states: readonly ConnectionState[]
  readonly faults: readonly string[]
  /** Its connection breaks, and is made anew. */
  readonly cutOff: () => void
  /** The server takes the right to hear orders away, and the agent knows it. */
  readonly forbid: () => Promise<void>
  readonly allow: () => Promise<void>
  /** The leader says something on both subjects. What the agent has heard of it. */
  readonly said: () => Promise<readonly string[]>
}

test('what was forbidden for a while is heard again, on a connection that was lost', async (t) => {
  const { agent, clock, states, faults, forbid, allow, said } = await start(t)
  const closed = agent.subscribe(ORDERS, () => t.fail('it was closed'))
  await forbid()
  closed.close()
  t.deepEqual(await said(), [BEATS])
  const first = faults.length
  for (let times = 1; times <= 3; times++) {
    clock.step()
    t.is(clock.now().monotonicMs, times * ASK_AGAIN_MS)
    await agent.flush()
  }
  t.deepEqual(await said(), [BEATS])
  t.deepEqual([faults.length, states], [first, []])
  await allow()
  clock.step()
  await untilState(agent, 'disconnected')
  t.deepEqual(states, ['disconnected', 'connected'])
  t.deepEqual((await said()).toSorted(), [ORDERS, BEATS])
  t.false(clock.step(), 'it asks for what it has')
  await forbid()
  t.deepEqual(faults.slice(first), [FORBIDDEN])
})

test('what was asked for while the connection was lost comes with it', async (t) => {
  const { agent, clock, states, cutOff, forbid, allow, said } = await start(t)
  await forbid()
  await allow()
  cutOff()
  await untilState(agent, 'disconnected')
  clock.step()
  await untilState(agent, 'connected')
  t.deepEqual((await said()).toSorted(), [ORDERS, BEATS])
  t.deepEqual(states, ['disconnected', 'connected'])
  t.false(clock.step())
})

test('a closed connection asks for nothing', async (t) => {
  const { agent, clock, states, forbid } = await start(t)
  await forbid()
  await agent.close()
  t.true(clock.step())
  t.false(clock.step())
  t.deepEqual(states, ['closed'])
})

async function start(t: ExecutionContext): Promise<World> {
  const server = await startSecuredServer(['agent a1'])
  t.teardown(() => server.close())
  const clock = new SimulatedClock()
  const faults: string[] = []
  const connect = async (name: string, credentials: string) => {
    const location = locateNats(undefined, server.env(credentials))
    if (location === undefined) throw new Error('the environment names no server')
    const options = { servers: [...location.servers], reconnectDelayHandler: () => 0 }
    const connection = await dial({ ...options, ...(await credentialsOf(location)) })
    const onFault = ({ message }: Error): void => void faults.push(message)
    const bus = natsBus(connection, { name, inbox: 'none', clock, onFault })
    t.teardown(() => bus.close())
    return { bus, connection }
  }
  const { bus: agent, connection } = await connect('a1', 'agent-a1.nk')
  const { bus: leader } = await connect('m1', 'master-m1.nk')
  const states: ConnectionState[] = []
  agent.onState((state) => states.push(state))
  let heard: string[] = []
  for (const subject of [BEATS, ORDERS]) agent.subscribe(subject, () => heard.push(subject))
  await agent.flush()
  const change = async (from: string, to: string): Promise<void> => {
    await server.editUsers((users) => users.replace(JSON.stringify(from), JSON.stringify(to)))
    await agent.flush()
    // What the server has said is told a moment after it is read.
    await agent.flush()
  }
  return {
    clock,
    agent,
    states,
    faults,
    cutOff: () => cutOff(connection),
    forbid: () => change(ORDERS, 'nothing'),
    allow: () => change('nothing', ORDERS),
    async said() {
      heard = []
      for (const subject of [BEATS, ORDERS]) leader.publish(subject, HELLO)
      await leader.flush()
      await agent.flush()
      return heard
    },
  }
}
