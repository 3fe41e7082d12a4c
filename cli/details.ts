/** What `bourse status` says of one thing. */
import { describeResources, rangesOf, resourcesOf } from '../protocol/resources.ts'
import type { ResourceList } from '../protocol/schema/common.ts'
import type { AgentItem, FrameworkItem, OfferItem, TaskItem } from '../protocol/schema/operator.ts'
import { age, whyOf } from './columns.ts'
import { formatDuration } from './duration.ts'
import { fieldLines } from './io.ts'

export const agentLines = (agent: AgentItem, wallMs: number): readonly string[] =>
  fieldLines({
    agent: agent.agentId,
    host: agent.hostname,
    state: lasting(agent.state, wallMs, agent.sinceMs),
    registered: ago(wallMs, agent.registeredAtMs),
    total: describe(agent.total),
    used: describe(agent.used),
    offered: describe(agent.offered),
    attributes: agent.attributes
      .map(({ name, text, scalar }) => `${name}:${text ?? scalar}`)
      .join(', '),
    tasks: String(agent.tasks),
  })

export const frameworkLines = (framework: FrameworkItem, wallMs: number): readonly string[] =>
  fieldLines({
    framework: framework.frameworkId,
    name: framework.name,
    principal: framework.principal,
    state:
      framework.state === 'ended'
        ? 'ended; listed until its agents, some of them away, have confirmed it'
        : lasting(framework.state, wallMs, framework.sinceMs),
    instance: framework.instance,
    subscribed: ago(wallMs, framework.subscribedAtMs),
    roles: framework.roles.join(', '),
    suppressed: framework.suppressed.join(', ') || undefined,
    used: describe(framework.used),
    offers: String(framework.offers),
    tasks: String(framework.tasks),
  })

export const taskLines = (
  task: TaskItem,
  wallMs: number,
  used: string | undefined,
): readonly string[] =>
  fieldLines({
    task: task.taskId,
    name: task.name,
    framework: `${task.frameworkId} of ${task.principal}`,
    agent: task.agentId,
    state: `${task.state} (${age(wallMs, task.changedAtMs)})`,
    why: whyOf(task) || undefined,
    health: healthText(task),
    check: checkText(task),
    role: task.role,
    resources: describe(task.resources),
    ports: portsText(task.resources),
    uses: used,
    launch: task.launch,
  })

/** Undefined: no health check of it has counted. */
const healthText = ({ healthy }: TaskItem): string | undefined =>
  healthy === undefined ? undefined : healthy ? 'healthy' : 'not healthy'

/** What its check said last, as that counts. */
function checkText({ checkResult }: TaskItem): string | undefined {
  if (checkResult === undefined) return undefined
  const { exitCode, statusCode, connected } = checkResult
  if (exitCode !== undefined) return `exit ${exitCode}`
  if (statusCode !== undefined) return `status ${statusCode}`
  if (connected === undefined) return 'no answer'
  return connected ? 'connected' : 'not connected'
}

/** `31000, 31005-31007`; undefined: none. */
function portsText(list: ResourceList): string | undefined {
  const ranges = rangesOf(resourcesOf(list), 'ports')
  const texts = ranges.map(([begin, end]) => (begin === end ? `${begin}` : `${begin}-${end}`))
  return texts.join(', ') || undefined
}

export const offerLines = (offer: OfferItem): readonly string[] =>
  fieldLines({
    offer: offer.offerId,
    framework: `${offer.frameworkId} of ${offer.principal}`,
    role: offer.role,
    agent: offer.agentId,
    resources: describe(offer.resources),
    unanswered: formatDuration(offer.ageMs),
  })

const describe = (list: ResourceList): string => describeResources(resourcesOf(list))

const lasting = (state: string, wallMs: number, sinceMs: number | undefined): string =>
  sinceMs === undefined ? state : `${state} (${age(wallMs, sinceMs)})`

const ago = (wallMs: number, atMs: number | undefined): string | undefined =>
  atMs === undefined ? undefined : `${age(wallMs, atMs)} ago`
