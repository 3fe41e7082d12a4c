/** The others, as a master's core hears them: an agent, a framework, an allocator, by hand. */
import type { Effect } from '../../actors/master/effects.ts'
import type { FrameworkCall } from '../../actors/master/frameworks/calls.ts'
import type { HashedSubscribe } from '../../actors/master/frameworks/subscribing.ts'
import type { AgentId, FrameworkKey, Launch, RunId, SessionId, TaskId } from '../../protocol/ids.ts'
import { LATER_ORDERS } from '../../protocol/later-orders.ts'
import type {
  ResourceList,
  Subscription,
  TaskInfo,
  TaskStatus,
} from '../../protocol/schema/common.ts'
import type {
  AgentReport,
  Allocation,
  AllocatorReport,
  HeldTask,
} from '../../protocol/schema/master.ts'
import type { Message } from '../../protocol/schema/messages.ts'
import type { Offer } from '../../protocol/schema/scheduler.ts'
import {
  type Answer,
  aFramework,
  bits,
  eventsOf,
  figuresOf,
  MasterDriver,
  RUN,
} from './master-builders.ts'

type Register = Extract<AgentReport, { kind: 'register' }>
type FrameworkBody<V extends FrameworkCall['verb']> = Extract<FrameworkCall, { verb: V }>['body']

export const cpusMem = (cpus: number, mem: number): ResourceList => [
  { name: 'cpus', scalar: cpus },
  { name: 'mem', scalar: mem },
]

export function aRegister(more: Partial<Register> = {}): Register {
  const info = {
    hostname: 'host',
    resources: cpusMem(4, 4096),
    resourcesVersion: 3,
    attributes: [{ name: 'rack', text: 'r1' }],
  }
  return {
    kind: 'register',
    version: { min: 1, max: 1 },
    incarnation: 1,
    opens: 1,
    info,
    understands: [...LATER_ORDERS],
    pages: 0,
    ...more,
  }
}

/** A launch of an earlier leader's. */
export const oldLaunch = (count: number, epoch = 1, run: RunId = RUN): Launch =>
  `${epoch}-${run}-${count}` as Launch

export function aHeldTask(taskId: string, more: Partial<HeldTask> = {}): HeldTask {
  return {
    ...aFramework(),
    taskId: taskId as TaskId,
    launch: oldLaunch(1),
    role: '*',
    resources: cpusMem(1, 128),
    latest: 'TASK_RUNNING',
    number: { incarnation: 1, count: 1 },
    ...more,
  }
}

export function aTask(taskId = 't1', more: Partial<TaskInfo> = {}): TaskInfo {
  return {
    taskId: taskId as TaskId,
    resources: { cpus: 1, mem: 128 },
    command: { argv: ['true'] },
    ...more,
  }
}

export class FakeAgent {
  readonly agentId: AgentId
  session: SessionId
  n = 0
  /** Of the framework, as the agent knows it when it says a status. */
  subscription: Subscription | undefined
  /** Statuses said. */
  #count = 0
  readonly #master: MasterDriver
  #opened = 0

  constructor(master: MasterDriver, name = 'a1') {
    this.#master = master
    this.agentId = name as AgentId
    this.session = this.#newSession()
  }

  #newSession(): SessionId {
    this.#opened += 1
    return `${Buffer.from(this.agentId).toString('hex').padEnd(12, '0').slice(0, 12)}${(0xa000 + this.#opened).toString(16)}` as SessionId
  }

  /** Opens a new session, and says its pages with it. */
  open(
    more: Partial<Register> = {},
    ...pages: readonly (readonly HeldTask[])[]
  ): readonly Effect[] {
    this.session = this.#newSession()
    this.n = 0
    const from = this.#master.effects.length
    this.say(aRegister({ pages: pages.length, opens: this.#opened, ...more }))
    for (const [i, tasks] of pages.entries()) this.page(i + 1, i === pages.length - 1, tasks)
    return this.#master.effects.slice(from)
  }

  page(page: number, last: boolean, tasks: readonly HeldTask[] = []): readonly Effect[] {
    return this.say({ kind: 'snapshot-page', page, last, tasks: [...tasks], frameworks: [] })
  }

  /** With the next number of the session. */
  say(...reports: readonly AgentReport[]): readonly Effect[] {
    this.n += 1
    return this.sayNumbered(this.n, ...reports)
  }

  sayNumbered(n: number, ...reports: readonly AgentReport[]): readonly Effect[] {
    const { agentId, session } = this
    const body: Message<'AgentReports'> = { session, n, heard: 0, reports: [...reports] }
    return this.#master.input({ kind: 'agent-reports', agentId, body })
  }

  pong(): readonly Effect[] {
    return this.say({ kind: 'pong' })
  }

  complain(epoch: number, run = bits<RunId>(0xcc)): readonly Effect[] {
    const { agentId } = this
    const refused = { epoch: 1, run: RUN }
    const body = { reports: [{ kind: 'complaint' as const, highest: { epoch, run }, refused }] }
    return this.#master.input({ kind: 'agent-reports', agentId, body })
  }

  /** Says a status of a task that the leader knows, with the next number. */
  update(taskId: string, state: TaskStatus['state'], more: Partial<TaskStatus> = {}) {
    const launch = this.#master.leader.frameworks
      .get('local.f1')
      ?.tasks.get(taskId as TaskId)?.launch
    return this.updateOf(aFramework(), {
      taskId: taskId as TaskId,
      state,
      ...(launch !== undefined && { launch }),
      ...more,
    })
  }

  updateOf(
    framework: FrameworkKey,
    more: Partial<TaskStatus> & Pick<TaskStatus, 'taskId' | 'state'>,
  ): readonly Effect[] {
    this.n += 1
    this.#count += 1
    const status: TaskStatus = {
      number: { incarnation: 1, count: this.#count },
      uuid: this.#count.toString(16).padStart(32, '0'),
      source: 'agent',
      atMs: 1e12,
      ...more,
    }
    const { agentId, session, n, subscription } = this
    const body = { session, n, ...(subscription && { subscription }), statuses: [status] }
    return this.#master.input({ kind: 'status-updates', framework, agentId, body })
  }
}

export class FakeFramework {
  readonly key: FrameworkKey
  session: SessionId | undefined
  n = 0
  readonly #master: MasterDriver
  static #sessions = 0

  constructor(master: MasterDriver, name = 'f1', principal = 'local') {
    this.#master = master
    this.key = aFramework(name, principal)
  }

  /** Opens a session, unless `session` says otherwise. */
  subscribe(more: Partial<HashedSubscribe> = {}): Answer {
    FakeFramework.#sessions += 1
    this.session = bits(0xf000 + FakeFramework.#sessions)
    this.n = 1
    const { session, n } = this
    const body = { session, n, name: 'test', secretHash: 'a'.repeat(64), ...more }
    return this.#master.call(this.key, { verb: 'subscribe', body })
  }

  /** With the session and the next number; fields of `body` win. */
  call<V extends Exclude<FrameworkCall['verb'], 'subscribe' | 'complain'>>(
    verb: V,
    body: Omit<FrameworkBody<V>, 'session' | 'n'> & { session?: SessionId; n?: number },
  ): Answer {
    this.n += 1
    const { session, n } = this
    const full = { ...(session !== undefined && { session, n }), ...body }
    return this.#master.call(this.key, { verb, body: full } as FrameworkCall)
  }

  accept(offers: readonly string[], ...tasks: readonly TaskInfo[]): Answer {
    const operations = tasks.length === 0 ? [] : [{ kind: 'launch' as const, tasks: [...tasks] }]
    return this.call('accept', { offers: [...offers], operations })
  }

  pong(): Answer {
    return this.call('pong', {})
  }

  /** The ids of its offers that are outstanding. */
  get offers(): readonly string[] {
    return [...this.#master.framework(this.key).offers]
  }
}

export function anAllocation(more: Partial<Allocation> = {}): Allocation {
  return {
    ...aFramework(),
    role: '*',
    allocation: 1,
    agentId: 'a1' as AgentId,
    agentVersion: 0,
    resources: cpusMem(4, 4096),
    ...more,
  }
}

export class FakeAllocator {
  session: SessionId = bits(0xd000)
  n = 0
  allocations = 0
  readonly #master: MasterDriver

  constructor(master: MasterDriver) {
    this.#master = master
  }

  open(): readonly Effect[] {
    this.session = bits(Number.parseInt(this.session, 16) + 1)
    this.n = 0
    return this.say({ kind: 'open', version: { min: 1, max: 1 } })
  }

  say(...reports: readonly AllocatorReport[]): readonly Effect[] {
    this.n += 1
    return this.sayNumbered(this.n, ...reports)
  }

  sayNumbered(n: number, ...reports: readonly AllocatorReport[]): readonly Effect[] {
    const body = { session: this.session, n, heard: 0, reports: [...reports] }
    return this.#master.input({ kind: 'allocator-reports', body })
  }

  allocate(more: Partial<Allocation> = {}): readonly Effect[] {
    this.allocations += 1
    const allocation = anAllocation({ allocation: this.allocations, ...more })
    return this.say({ kind: 'allocate', allocations: [allocation] })
  }

  /** The outcome of one allocation, and the offer that was made of it. */
  offer(more: Partial<Allocation> = {}): { readonly outcome: string; readonly offer?: Offer } {
    const effects = this.allocate(more)
    const answered = figuresOf(effects).flatMap((figure) =>
      figure.kind === 'answered' ? figure.answers : [],
    )
    const { principal, frameworkId } = { ...aFramework(), ...more }
    const offer = eventsOf(effects, 'offers', { principal, frameworkId })[0]?.offers[0]
    return { outcome: answered.at(-1)?.outcome ?? 'none', ...(offer && { offer }) }
  }
}

/** So long passes, and these answer within each second. */
export function live(
  { master, ...others }: Partial<Omit<Stage, 'master'>> & Pick<Stage, 'master'>,
  ms: number,
): void {
  for (let left = ms; left > 0; left -= 1_000) {
    master.pass(Math.min(1_000, left))
    others.agent?.pong()
    others.framework?.pong()
    others.allocator?.say({ kind: 'pong' })
  }
}

/** A leader with an agent, a framework and an allocator. */
export interface Stage {
  readonly master: MasterDriver
  readonly agent: FakeAgent
  readonly framework: FakeFramework
  readonly allocator: FakeAllocator
}

export function aStage(more: Partial<Register> = {}): Stage {
  const master = new MasterDriver().leading()
  const allocator = new FakeAllocator(master)
  allocator.open()
  const agent = new FakeAgent(master)
  agent.open(more)
  const framework = new FakeFramework(master)
  framework.subscribe()
  return { master, agent, framework, allocator }
}

/** The stage with these tasks launched, one accept for all; the agent has said nothing of them. */
export function aStageWith(...taskIds: readonly string[]): Stage {
  const stage = aStage()
  stage.allocator.offer()
  stage.framework.accept(stage.framework.offers, ...taskIds.map((id) => aTask(id)))
  return stage
}
