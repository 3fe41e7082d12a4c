/** `bourse status [PREFIX]`: whatever has an id that begins so; without one, the leader itself. */
import type {
  AgentItem,
  FrameworkItem,
  MasterReport,
  OfferItem,
  TaskItem,
} from '../../protocol/schema/operator.ts'
import { agentsAway, ifTask } from '../agents-away.ts'
import { age } from '../columns.ts'
import { COUNTER_COLUMNS } from '../counters.ts'
import { agentLines, frameworkLines, offerLines, taskLines } from '../details.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { namesOfTasks, newestFirst, othersOfId, tasksMeant, wantedTask } from '../find-task.ts'
import { fieldLines, type Io, jsonLine } from '../io.ts'
import { type OperatorClient, withOperator } from '../operator-client.ts'
import type { Invocation } from '../options.ts'
import { tableLines } from '../table.ts'
import { readUsage, usageText } from '../task-usage.ts'
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

/** Means the leader, as no prefix does. */
const LEADER = 'master'

export function status(text: string | undefined, { options, io }: Invocation): Promise<ExitCode> {
  const find = text === undefined || text === LEADER ? undefined : finder(text)
  return withOperator(options, io.env, async (client) => {
    if (find === undefined) {
      const report = await client.ask('master', {})
      if (options.json) io.print(jsonLine(report))
      else printLeader(report, { client, io })
      return EXIT.done
    }
    const found = await find(client)
    const count = Object.values(found).reduce((sum, items) => sum + items.length, 0)
    if (options.json) io.print(jsonLine(await withUsage(client, found, count)))
    else if (count === 0) io.printError(`bourse: ${await noneText(client, text)}`)
    else await printFound(found, count, { client, io })
    return count === 0 ? EXIT.failed : EXIT.done
  })
}

/** Of one task alone: its agent is asked. */
async function withUsage(client: OperatorClient, found: Found, count: number): Promise<object> {
  const [task] = found.tasks
  if (count !== 1 || task === undefined) return found
  const usage = await readUsage(client, task)
  return usage === undefined ? found : { ...found, tasks: [{ ...task, usage }] }
}

async function noneText(client: OperatorClient, text: string | undefined): Promise<string> {
  return `no id here begins with ${text}; ${ifTask(await agentsAway(client))}`
}

/** @throws {ClusterError} `cli/usage`. */
function finder(text: string): (client: OperatorClient) => Promise<Found> {
  if (!text.includes('/')) {
    requirePrefix(text)
    return (client) => findAnything(client, text)
  }
  const wanted = wantedTask(text)
  return async (client) => ({
    agents: [],
    frameworks: [],
    tasks: newestFirst(await tasksMeant(client, wanted)),
    offers: [],
  })
}

/** Whole ids win over longer ones that begin so. Tasks: the newest first. */
async function findAnything(client: OperatorClient, prefix: string): Promise<Found> {
  const begin = await Promise.all([
    allItems(client, 'agents', prefix),
    allItems(client, 'frameworks', prefix),
    allItems(client, 'tasks', prefix),
    allItems(client, 'offers', prefix),
  ])
  const pick = (isMeant: (id: string) => boolean): Found => ({
    agents: begin[0].filter(({ agentId }) => isMeant(agentId)),
    frameworks: begin[1].filter(({ frameworkId }) => isMeant(frameworkId)),
    tasks: newestFirst(begin[2].filter(({ taskId }) => isMeant(taskId))),
    offers: begin[3].filter(({ offerId }) => isMeant(offerId)),
  })
  const whole = pick((id) => id === prefix)
  const isWhole = Object.values(whole).some((items) => items.length > 0)
  return isWhole ? whole : pick((id) => id.startsWith(prefix))
}

/** Details of one thing; of several, a table for each kind. */
async function printFound(found: Found, count: number, sink: Sink): Promise<void> {
  const [newest, ...others] = found.tasks
  if (count === 1) return printDetails(found, sink)
  const isOneId = newest !== undefined && others.every(({ taskId }) => taskId === newest.taskId)
  if (found.tasks.length < count || !isOneId) return printTables(found, sink)
  await printDetails({ ...found, tasks: [newest] }, sink)
  const named = othersOfId(newest, others)
  if (named.length === 0) return
  const many = named.length === 1 ? 'another one has' : `${named.length} others have`
  sink.io.printError(`bourse: ${many} that id: ${namesOfTasks(named)}`)
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
  for (const task of tasks) {
    const used = await readUsage(sink.client, task)
    print(taskLines(task, wallMs, used && usageText(used)))
  }
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

function printLeader(report: MasterReport, { client, io }: Sink): void {
  const { wallMs } = client.clock.now()
  const { leadsSinceMs, counters, master, epoch, standbys, policy, quarantined, ...numbers } =
    report
  const counts = Object.entries(numbers).map(([key, value]) => [key, String(value)])
  const lines = fieldLines({
    cluster: client.cluster,
    leader: master,
    'leads for': age(wallMs, leadsSinceMs),
    epoch: String(epoch),
    ...(quarantined && { 'not heard': quarantined.join(', ') }),
    ...(standbys && { standbys: standbys.join(', ') || 'none' }),
    ...(policy === undefined ? { allocator: 'none' } : { policy }),
    ...Object.fromEntries(counts),
  })
  for (const line of lines) io.print(line)
  const counted = Object.entries(counters).toSorted(([a], [b]) => (a < b ? -1 : 1))
  if (counted.length === 0) return
  io.print('')
  for (const line of tableLines(COUNTER_COLUMNS, counted, io.columns)) io.print(line)
}
