/**
 * When each step of a launch passes by on the bus, for somebody who has one task in flight at a
 * time: by the clock that all processes of a machine share, and in the order of the tasks.
 */

import { decode } from '../../bus/codec.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import type { Message } from '../../protocol/schema/messages.ts'
import { agentOrders, allUpdates, frameworkCall } from '../../protocol/subjects.ts'
import { serveParent } from './child.ts'

export interface TracerStart {
  readonly nats: string
  readonly cluster: string
}

/** Since the last question; milliseconds. */
export interface TracerAnswer {
  readonly acceptAtMs: readonly number[]
  readonly runAtMs: readonly number[]
  readonly runningAtMs: readonly number[]
}

interface Passed {
  readonly atMs: number
  readonly payload: Uint8Array
}

const NS_PER_MS = 1e6
const { nats, cluster } = JSON.parse(process.argv[2] ?? '{}') as TracerStart
const system = natsSystem({ location: { servers: [nats], source: 'nats' } })
const bus = await system.connect({ name: 'bench-tracer' })

/** Keeps what passes on `subject`; its bytes are read when it is asked. */
function trace(subject: string): Passed[] {
  const passed: Passed[] = []
  bus.subscribe(subject, ({ payload }) => {
    passed.push({ atMs: Number(process.hrtime.bigint()) / NS_PER_MS, payload })
  })
  return passed
}

const accepts = trace(frameworkCall.on({ cluster, verb: 'accept' }))
const orders = trace(agentOrders.on({ cluster }))
const updates = trace(allUpdates(cluster))
await bus.flush()

function bodyOf<Name extends 'AgentOrders' | 'StatusUpdates'>({ payload }: Passed): Message<Name> {
  const decoded = decode(payload)
  if (!decoded.ok) throw new Error(decoded.refusal.message)
  return decoded.value as Message<Name>
}

const isRun = (passed: Passed): boolean =>
  bodyOf<'AgentOrders'>(passed).orders.some(({ kind }) => kind === 'run')
const saysRunning = (passed: Passed): boolean =>
  bodyOf<'StatusUpdates'>(passed).statuses.some(({ state }) => state === 'TASK_RUNNING')
const timeOf = ({ atMs }: Passed): number => atMs

serveParent<object, TracerAnswer>(
  async () => {
    await bus.flush()
    return {
      acceptAtMs: accepts.splice(0).map(timeOf),
      runAtMs: orders.splice(0).filter(isRun).map(timeOf),
      runningAtMs: updates.splice(0).filter(saysRunning).map(timeOf),
    }
  },
  () => bus.close(),
)
