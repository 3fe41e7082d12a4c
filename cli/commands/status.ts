/** `bourse status [PREFIX]`: whatever has an id that begins so; without one, the leader itself. */
import { describeResources, resourcesOf } from '../../protocol/resources.ts'
import type { ResourceList } from '../../protocol/schema/common.ts'
import type {
  AgentItem,
  FrameworkItem,
  MasterReport,
  OfferItem,
  TaskItem,
} from '../../protocol/schema/operator.ts'
import { age, whyOf } from '../columns.ts'
import { formatDuration } from '../duration.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { fieldLines, type Io, jsonLine } from '../io.ts'
import { type OperatorClient, withOperator } from '../operator-client.ts'
import type { Invocation } from '../options.ts'
import { allItems, printTable, requirePrefix } from './listing.ts'

interface Found {
  readonly agents: readonly AgentItem[]
  readonly frameworks: readonly FrameworkItem[]
  readonly tasks: readonly TaskItem[]
  readonly offers: readonly OfferItem[]
}

interface Sink {
  readonly client: OperatorClient
  readonly io: Io
}

export function status(prefix: string | undefined, { options, io }: Invocation): Promise<ExitCode> {
  if (prefix !== undefined) requirePrefix(prefix)
  return withOperator(options, io.env, async (client) => {
    if (prefix === undefined) {
      const report = await client.ask('master', {})
      for (const line of options.json ? [jsonLine(report)] : masterLines(client, report))
        io.print(line)
      return EXIT.done
    }
    const found = await find(client, prefix)
    const count = Object.values(found).reduce((sum, items) => sum + items.length, 0)
    if (options.json) io.print(jsonLine(found))
    else if (count === 0) io.printError(`bourse: no id here begins with ${prefix}`)
    else if (count === 1) await printDetails(found, { client, io })
    else printTables(found, { client, io })
    return count === 0 ? EXIT.failed : EXIT.done
  })
}

/** Whole ids win over longer ones that begin so. */
async function find(client: OperatorClient, prefix: string): Promise<Found> {
  const begin = await Promise.all([
    allItems(client, 'agents', prefix),
    allItems(client, 'frameworks', prefix),
    allItems(client, 'tasks', prefix),
    allItems(client, 'offers', prefix),
  ])
  const pick = (isMeant: (id: string) => boolean): Found => ({
    agents: begin[0].filter(({ agentId }) => isMeant(agentId)),
    frameworks: begin[1].filter(({ frameworkId }) => isMeant(frameworkId)),
    tasks: begin[2].filter(({ taskId }) => isMeant(taskId)),
    offers: begin[3].filter(({ offerId }) => isMeant(offerId)),
  })
  const whole = pick((id) => id === prefix)
  const isWhole = Object.values(whole).some((items) => items.length > 0)
  return isWhole ? whole : pick((id) => id.startsWith(prefix))
}

function printTables(found: Found, sink: Sink): void {
  let isFirst = true
  for (const verb of ['agents', 'frameworks', 'tasks', 'offers'] as const) {
    if (found[verb].length === 0) continue
    if (!isFirst) sink.io.print('')
    isFirst = false
    printTable(verb, found[verb], sink)
  }
}

/** Of the one item that there is. */
async function printDetails({ agents, frameworks, tasks, offers }: Found, sink: Sink) {
  const { wallMs } = sink.client.clock.now()
  const print = (lines: readonly string[]): void => lines.forEach((line) => sink.io.print(line))
  for (const agent of agents) {
    print(agentLines(agent, wallMs))
    await printTasks(undefined, (task) => task.agentId === agent.agentId, sink)
  }
  for (const framework of frameworks) {
    print(frameworkLines(framework, wallMs))
    const { principal, frameworkId } = framework
    const isOf = (task: TaskItem): boolean =>
      task.frameworkId === frameworkId && task.principal === principal
    await printTasks(frameworkId, isOf, sink)
  }
  for (const task of tasks) print(taskLines(task, wallMs))
  for (const offer of offers) print(offerLines(offer))
}

async function printTasks(
  prefix: string | undefined,
  isWanted: (task: TaskItem) => boolean,
  sink: Sink,
): Promise<void> {
  const tasks = (await allItems(sink.client, 'tasks', prefix)).filter(isWanted)
  if (tasks.length === 0) return
  sink.io.print('')
  printTable('tasks', tasks, sink)
}

function masterLines(client: OperatorClient, report: MasterReport): readonly string[] {
  const { wallMs } = client.clock.now()
  const { leadsSinceMs, counters, master, ...numbers } = report
  const shown = Object.entries({ ...numbers, ...counters }).map(([key, value]) => [
    key,
    String(value),
  ])
  return fieldLines({
    cluster: client.cluster,
    leader: master,
    'leads for': age(wallMs, leadsSinceMs),
    ...Object.fromEntries(shown),
  })
}

const agentLines = (agent: AgentItem, wallMs: number): readonly string[] =>
  fieldLines({
    agent: agent.agentId,
    host: agent.hostname,
    state: agent.state,
    registered: ago(wallMs, agent.registeredAtMs),
    total: describe(agent.total),
    used: describe(agent.used),
    offered: describe(agent.offered),
    attributes: agent.attributes
      .map(({ name, text, scalar }) => `${name}:${text ?? scalar}`)
      .join(', '),
    tasks: String(agent.tasks),
  })

const frameworkLines = (framework: FrameworkItem, wallMs: number): readonly string[] =>
  fieldLines({
    framework: framework.frameworkId,
    name: framework.name,
    principal: framework.principal,
    state: framework.state,
    subscribed: ago(wallMs, framework.subscribedAtMs),
    roles: framework.roles.join(', '),
    suppressed: framework.suppressed.join(', ') || undefined,
    used: describe(framework.used),
    offers: String(framework.offers),
    tasks: String(framework.tasks),
  })

const taskLines = (task: TaskItem, wallMs: number): readonly string[] =>
  fieldLines({
    task: task.taskId,
    name: task.name,
    framework: `${task.frameworkId} of ${task.principal}`,
    agent: task.agentId,
    state: `${task.state} (${age(wallMs, task.changedAtMs)})`,
    why: whyOf(task) || undefined,
    role: task.role,
    resources: describe(task.resources),
    launch: task.launch,
  })

const offerLines = (offer: OfferItem): readonly string[] =>
  fieldLines({
    offer: offer.offerId,
    framework: `${offer.frameworkId} of ${offer.principal}`,
    role: offer.role,
    agent: offer.agentId,
    resources: describe(offer.resources),
    unanswered: formatDuration(offer.ageMs),
  })

const describe = (list: ResourceList): string => describeResources(resourcesOf(list))

const ago = (wallMs: number, atMs: number | undefined): string | undefined =>
  atMs === undefined ? undefined : `${age(wallMs, atMs)} ago`
