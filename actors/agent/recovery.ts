/**
 * The start of an incarnation: what the records say, what is found running, what became of the
 * rest.
 */
import type { DirectoryId, Launch } from '../../protocol/ids.ts'
import type { Now } from '../../protocol/now.ts'
import { describeResources, listResources, resourcesOf } from '../../protocol/resources.ts'
import { isTerminal, type TaskState } from '../../protocol/task-state.ts'
import { nextHex } from '../parts/random.ts'
import { resumeChecks } from './checks/watching.ts'
import { compact } from './compaction.ts'
import type { Effect } from './effects.ts'
import { addTask, findFramework, forgetFramework, holdFramework, holdLeft, strike } from './held.ts'
import type { EndSeen, FoundContainer, Start } from './inputs.ts'
import { endBrokenGroups, finish, killedDuringLaunch, repeatKill } from './kills.ts'
import { type AgentRecord, FORMAT, type StartRecord, type TaskRecord } from './records.ts'
import { lookSoon, recallSandbox } from './sandboxes.ts'
import { type AgentState, stateOf, type Task } from './state.ts'
import { type News, report } from './streams.ts'
import { endOf, startOf } from './tasks.ts'
import { tearDownTask } from './tear-down.ts'

/** Ends that a task comes to without a container. */
const NEVER_CONTAINED: ReadonlySet<TaskState> = new Set(['TASK_DROPPED', 'TASK_ERROR', 'TASK_GONE'])

/** Nothing else is done before the new incarnation is on disk. */
export function start(state: AgentState, input: Start, now: Now): readonly Effect[] {
  let before: StartRecord | undefined
  for (const record of input.records) {
    if (record.kind === 'start') before = record
    else recall(state, record)
  }
  const found = new Map(input.containers.map((container) => [container.containerId, container]))
  const problem =
    begin(state, before, { ...input, now }) ?? holdAll(state, found) ?? lackOf(state, found)
  if (problem !== undefined) {
    state.link = { kind: 'given-up' }
    return [{ do: 'give-up', message: problem }]
  }
  const isRebooted = before !== undefined && before.bootId !== input.bootId
  for (const task of state.tasks.values()) {
    if (task.stream.length > 0) state.outbox.heads.add(task)
    if (!isTerminal(stateOf(task)))
      settle(state, task, { found: found.get(task.launch)?.state, isRebooted, now })
    // A tear-down of which only the beginning was written.
    else if (task.framework.isOver) tearDownTask(state, task, now)
  }
  endBrokenGroups(state, now)
  for (const framework of state.frameworks.values()) {
    if (framework.isOver && framework.tasks.size === 0) forgetFramework(state, framework)
  }
  for (const { containerId, sandbox } of input.containers) {
    const launch = containerId as Launch
    const task = state.tasks.get(launch)
    if (task?.container !== 'started') state.outbox.destroys.push(containerId)
    // Of a checkpoint that was lost: it was here.
    if (task === undefined && !state.sandboxes.has(launch)) {
      state.sandboxes.set(launch, { ...sandbox, endedAtMs: now.wallMs })
    }
  }
  lookSoon(state, now)
  return compact(state)
}

/** Takes up the books of the last incarnation. */
function recall(state: AgentState, record: Exclude<AgentRecord, StartRecord>): void {
  switch (record.kind) {
    case 'leader':
      state.highest = record.fence
      return
    case 'framework': {
      const framework = holdFramework(state, record)
      framework.subscription = record.subscription ?? framework.subscription
      framework.isOver = record.isOver ?? false
      framework.isRecorded = true
      return
    }
    case 'framework-gone': {
      const framework = findFramework(state, record)
      if (framework !== undefined) forgetFramework(state, framework)
      return
    }
    case 'task':
      recallTask(state, record)
      return
    case 'sandbox': {
      const { kind: _, endedAtMs, ...ref } = record
      state.sandboxes.set(ref.launch, { ...ref, endedAtMs })
      return
    }
    default:
      recallOfTask(state, record)
  }
}

function recallTask(state: AgentState, record: TaskRecord): void {
  const { resources, ...rest } = record
  const framework = holdFramework(state, record)
  const task = addTask(state, { ...rest, framework, resources: resourcesOf(resources) })
  task.last = record.last
  noteEnd(task)
}

type OfTask = Extract<AgentRecord, { kind: 'kill' | 'watched' | 'status' | 'ack' | 'forget' }>

/** A record of a task that the books do not have is of one that was forgotten. */
function recallOfTask(state: AgentState, record: OfTask): void {
  const task = state.tasks.get(record.launch)
  if (task === undefined) return
  switch (record.kind) {
    case 'kill':
      task.killedWithMs = record.graceMs
      task.killByMs = record.byMs
      task.groupEnd = record.groupEnd
      task.killCause = record.cause
      return
    case 'watched':
      if (task.checks !== undefined) task.checks.startedAtMs = record.atMs
      return
    case 'status':
      task.last = record.status
      if (record.replaces) task.stream.pop()
      task.stream.push(record.status)
      noteEnd(task)
      return
    case 'ack':
      task.stream.shift()
      return
    case 'forget':
      strike(state, task)
      if (task.container === 'ended') recallSandbox(state, task)
  }
}

function noteEnd(task: Task): void {
  const state = stateOf(task)
  if (isTerminal(state)) task.container = NEVER_CONTAINED.has(state) ? 'none' : 'ended'
}

const SECOND_MS = 1_000

/**
 * What the agent says of its tasks must stand above all that was ever said of them under its id,
 * also when its work directory was lost, or is an older one: nobody starts once a second.
 */
const nextIncarnation = (before: StartRecord | undefined, { wallMs }: Now): number =>
  Math.max((before?.incarnation ?? 0) + 1, Math.floor(wallMs / SECOND_MS))

/** The next incarnation, or why it cannot begin. */
function begin(
  state: AgentState,
  before: StartRecord | undefined,
  { bootId, now }: Pick<Start, 'bootId'> & { readonly now: Now },
): string | undefined {
  state.outbox.records = []
  if (before !== undefined && before.format > FORMAT) {
    return `the checkpoint has format ${before.format}, this agent reads ${FORMAT}: use a newer one`
  }
  state.incarnation = nextIncarnation(before, now)
  state.bootId = bootId
  state.directory = before?.directory ?? (nextHex(state.random, 64) as DirectoryId)
  const isSame =
    before === undefined ||
    JSON.stringify(before.resources) === JSON.stringify(listResources(state.total))
  state.resourcesVersion = (before?.resourcesVersion ?? 1) + (isSame ? 0 : 1)
  return undefined
}

/** What still runs takes what it holds; a sentence if there is not enough for all of it. */
function holdAll(
  state: AgentState,
  found: ReadonlyMap<string, FoundContainer>,
): string | undefined {
  for (const task of state.tasks.values()) {
    const isAlive = found.get(task.launch)?.state.kind === 'running'
    if (!isAlive || isTerminal(stateOf(task)) || holdLeft(state, task)) continue
    const needed = describeResources(task.resources)
    const problem = `holds ${needed}, more than this agent has left`
    return `task ${task.taskId} of an earlier start ${problem}: give it as much as it had`
  }
  return undefined
}

/** Who has too little does not start, unless what runs here would have no agent then. */
function lackOf(
  { profile }: AgentState,
  found: ReadonlyMap<string, FoundContainer>,
): string | undefined {
  const isNeeded = [...found.values()].some(({ state }) => state.kind === 'running')
  return isNeeded ? undefined : profile.lacks
}

interface Seen {
  /** Undefined: there is no such container. */
  readonly found: FoundContainer['state'] | undefined
  readonly isRebooted: boolean
  readonly now: Now
}

/** What became of a task that had not ended. */
function settle(state: AgentState, task: Task, { found, isRebooted, now }: Seen): void {
  if (found?.kind === 'running') {
    goOn(state, task, now)
    return
  }
  task.container = 'ended'
  finish(state, task, { news: endSeen(task, found, isRebooted), now })
}

function goOn(state: AgentState, task: Task, now: Now): void {
  task.container = 'started'
  if (task.framework.isOver) tearDownTask(state, task, now)
  else if (stateOf(task) === 'TASK_STAGING') report(state, task, { news: startOf(task), now })
  if (task.killedWithMs === undefined) resumeChecks(state, task, now)
  repeatKill(state, task, now)
}

function endSeen(task: Task, found: Seen['found'], isRebooted: boolean): News {
  if (found?.kind === 'ended' && found.why !== undefined && task.killedWithMs === undefined) {
    return endedAlone(task, found, found.why)
  }
  if (found?.kind === 'ended' && !('unknown' in found.exit && isRebooted)) {
    return endOf(task, found)
  }
  if (task.killedWithMs === undefined && isRebooted && found?.kind !== 'never-started') {
    return { state: 'TASK_FAILED', reason: 'AGENT_REBOOTED', message: 'the machine was rebooted' }
  }
  const hasStarted = stateOf(task) !== 'TASK_STAGING'
  if (hasStarted || found?.kind === 'ended') {
    return endOf(task, { exit: { unknown: 'its container is gone' } })
  }
  return task.killedWithMs === undefined ? NEVER_STARTED : killedDuringLaunch(task)
}

/** Failed, also where it took SIGTERM for a reason to exit with 0. */
function endedAlone(task: Task, seen: EndSeen, why: string): News {
  const end = endOf(task, seen)
  const message = [why, end.message ?? 'command exited with status 0'].join('; ')
  return { ...end, state: 'TASK_FAILED', reason: 'AGENT_AWAY', message }
}

const NEVER_STARTED: News = {
  state: 'TASK_DROPPED',
  reason: 'AGENT_RESTARTED',
  message: 'its agent was restarted before it could start',
}
