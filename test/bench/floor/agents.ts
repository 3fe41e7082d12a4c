/**
 * The floor's agents, all in one process as emulated ones are: a task runs when it is ordered and
 * has ended when its start was acknowledged.
 */
import type { Launch, TaskId } from '../../../protocol/ids.ts'
import type { Message } from '../../../protocol/schema/messages.ts'
import {
  acknowledgements,
  agentOrders,
  agentReports,
  statusUpdates,
} from '../../../protocol/subjects.ts'
import { serveParent } from '../child.ts'
import {
  agentIdOf,
  CLUSTER,
  type FloorState,
  FRAMEWORK,
  FRAMEWORK_IDS,
  isOfStart,
  newSession,
  PRINCIPAL,
  statusUuidOf,
} from './bodies.ts'
import { Turn, Wire } from './wire.ts'

export interface AgentsStart {
  readonly nats: string
  readonly agents: number
}

const { nats, agents } = JSON.parse(process.argv[2] ?? '{}') as AgentsStart
const wire = await Wire.open(nats, 'agent', `_INBOX.${CLUSTER}.agent`)
const session = newSession()
let said = 0
let made = 0

const updates = new Turn((subject, statuses: readonly unknown[]) =>
  wire.send(subject, { session, n: ++said, statuses }),
)
const reports = new Turn((subject, tasks: readonly unknown[]) => {
  const settled = { kind: 'settled', tasks }
  wire.send(subject, { session, n: ++said, heard: said, reports: [settled] })
})

interface Known {
  readonly taskId: TaskId
  readonly launch: Launch | undefined
}

function statusOf({ taskId, launch }: Known, state: FloorState) {
  const count = ++made
  const exit = state === 'TASK_FINISHED' ? { exit: { code: 0 } } : {}
  const number = { incarnation: 1, count }
  const known = { taskId, state, launch, number, uuid: statusUuidOf(count, state), source: 'agent' }
  return { ...known, ...exit, atMs: Date.now(), latest: state }
}

for (let agent = 1; agent <= agents; agent++) {
  const ids = { ...FRAMEWORK_IDS, agentId: agentIdOf(agent) }
  const [update, report] = [statusUpdates.to(ids), agentReports.to(ids)]
  wire.hear<Message<'AgentOrders'>>(agentOrders.on(ids), ({ orders }) => {
    for (const order of orders) {
      if (order.kind !== 'run') continue
      for (const { launch, task } of order.tasks)
        updates.add(update, statusOf({ taskId: task.taskId, launch }, 'TASK_RUNNING'))
    }
  })
  wire.hear<Message<'Acknowledgements'>>(
    acknowledgements.on({ cluster: CLUSTER, agentId: ids.agentId }),
    ({ acks }) => {
      for (const { taskId, launch, uuid } of acks) {
        if (isOfStart(uuid)) updates.add(update, statusOf({ taskId, launch }, 'TASK_FINISHED'))
        else reports.add(report, { principal: PRINCIPAL, frameworkId: FRAMEWORK, taskId, launch })
      }
    },
  )
}

serveParent(
  () => wire.flush().then(() => ({})),
  () => wire.close(),
)
