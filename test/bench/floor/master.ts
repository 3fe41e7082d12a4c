/**
 * The floor's master: offers what the allocator names, passes tasks on, and has what is free again
 * allocated. It remembers nothing and believes everybody.
 */
import type { Message } from '../../../protocol/schema/messages.ts'
import {
  agentOrders,
  agentReports,
  allocatorFigures,
  allocatorReports,
  frameworkCall,
  frameworkEvents,
  statusUpdates,
} from '../../../protocol/subjects.ts'
import { serveParent } from '../child.ts'
import {
  agentIdOf,
  agentOfOffer,
  CLUSTER,
  FENCE,
  FRAMEWORK,
  FRAMEWORK_IDS,
  launchOf,
  newSession,
  offerIdOf,
  PRINCIPAL,
  ROLE,
  WHOLE_AGENT,
} from './bodies.ts'
import { Turn, Wire } from './wire.ts'

export interface MasterStart {
  readonly nats: string
  readonly agents: number
}

/** Of all that was heard since the start. The first question opens the market. */
export interface MasterCounts {
  readonly running: number
  readonly finished: number
  readonly settled: number
}

const { nats, agents: agentCount } = JSON.parse(process.argv[2] ?? '{}') as MasterStart
const agents = await Wire.open(nats, 'master agents', `_INBOX.${CLUSTER}.master.agents`)
const frameworks = await Wire.open(nats, 'master frameworks', `_INBOX.${CLUSTER}.master.frameworks`)

const session = newSession()
const subscription = { epoch: FENCE.epoch, count: 1 }
const counts = { running: 0, finished: 0, settled: 0 }
let said = 0
let launches = 0
let isOpen = false

const header = () => ({ ...FENCE, session, n: ++said, heard: counts.settled })
const orders = new Turn((subject, items: readonly unknown[]) =>
  agents.send(subject, { ...header(), orders: items }),
)
const events = new Turn((subject, items: readonly unknown[]) =>
  frameworks.send(subject, { ...header(), events: items }),
)
const figures = new Turn((subject, items: readonly unknown[]) =>
  agents.send(subject, { ...header(), figures: items }),
)
const orderSubjects = Array.from({ length: agentCount + 1 }, (_, agent) =>
  agentOrders.to({ cluster: CLUSTER, agentId: agentIdOf(agent) }),
)
const eventSubject = frameworkEvents.to(FRAMEWORK_IDS)
const figureSubject = allocatorFigures.to({ cluster: CLUSTER })

function isFree(agentId: string): void {
  const version = counts.finished
  figures.add(figureSubject, {
    kind: 'agent',
    agentId,
    version,
    total: WHOLE_AGENT,
    free: WHOLE_AGENT,
  })
}

agents.hear<Message<'AllocatorReports'>>(
  allocatorReports.on({ cluster: CLUSTER }),
  ({ reports }) => {
    for (const report of reports) if (report.kind === 'allocate') offer(report.allocations)
  },
)

type Allocations = Extract<
  Message<'AllocatorReports'>['reports'][number],
  { kind: 'allocate' }
>['allocations']

function offer(allocations: Allocations): void {
  for (const { agentId, resources } of allocations) {
    const offerId = offerIdOf(Number(agentId.slice(agentId.lastIndexOf('-') + 1)))
    const attributes = [{ name: 'isolation', text: 'pretending' }]
    const offered = { offerId, agentId, hostname: 'vm', role: ROLE, resources, attributes }
    events.add(eventSubject, { kind: 'offers', offers: [offered] })
  }
}

frameworks.hear<Message<'Accept'>>(
  frameworkCall.on({ cluster: CLUSTER, verb: 'accept' }),
  ({ offers, operations }, { reply }) => {
    if (reply !== undefined) frameworks.send(reply, {})
    const subject = orderSubjects[agentOfOffer(offers[0] as string)] as string
    for (const { tasks } of operations) {
      orders.add(subject, {
        kind: 'run',
        principal: PRINCIPAL,
        frameworkId: FRAMEWORK,
        subscription,
        role: ROLE,
        resourcesVersion: 1,
        tasks: tasks.map((task) => ({ launch: launchOf(++launches), task })),
      })
    }
  },
)

agents.hear<Message<'StatusUpdates'>>(
  statusUpdates.on({ cluster: CLUSTER }),
  ({ statuses }, { subject }) => {
    if (statuses[0]?.state === 'TASK_RUNNING') counts.running += statuses.length
    else {
      counts.finished += statuses.length
      isFree(subject.slice(subject.lastIndexOf('.') + 1))
    }
  },
)

agents.hear<Message<'AgentReports'>>(agentReports.on({ cluster: CLUSTER }), ({ reports }) => {
  for (const report of reports) {
    if (report.kind === 'settled') counts.settled += report.tasks.length
  }
})

serveParent<object, MasterCounts>(
  async () => {
    await agents.flush()
    if (!isOpen) for (let agent = 1; agent <= agentCount; agent++) isFree(agentIdOf(agent))
    isOpen = true
    return counts
  },
  async () => {
    await Promise.all([agents.close(), frameworks.close()])
  },
)
