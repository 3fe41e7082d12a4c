/** An agent's core with its checkpoint, its time and its leader, all held in the hand. */
import assert from 'node:assert/strict'
import { agentCore } from '../../../../actors/agent/core.ts'
import type { Effect } from '../../../../actors/agent/effects.ts'
import type { Beat, EndSeen, FoundContainer, Input } from '../../../../actors/agent/inputs.ts'
import type { AgentRecord } from '../../../../actors/agent/records.ts'
import { type AgentState, newAgent, type Profile } from '../../../../actors/agent/state.ts'
import type { CommonInput } from '../../../../actors/parts/core.ts'
import { check } from '../../../../protocol/check.ts'
import type {
  AgentId,
  FrameworkId,
  FrameworkKey,
  Launch,
  Principal,
  RunId,
  SessionId,
  TaskId,
} from '../../../../protocol/ids.ts'
import type { AgentOrder, Run } from '../../../../protocol/schema/agent.ts'
import type { Fence, TaskInfo, TaskStatus } from '../../../../protocol/schema/common.ts'
import type { AgentReport, AgentReports } from '../../../../protocol/schema/master.ts'
import type { MessageName } from '../../../../protocol/schema/messages.ts'
import type { StatusUpdates } from '../../../../protocol/schema/scheduler.ts'

export const RUN_A = 'aaaaaaaaaaaaaaaa' as RunId
export const RUN_B = 'bbbbbbbbbbbbbbbb' as RunId
export const LEADER: Fence = { epoch: 5, run: RUN_A }
export const NEXT_LEADER: Fence = { epoch: 6, run: RUN_B }
export const FRAMEWORK: FrameworkKey = {
  principal: 'local' as Principal,
  frameworkId: 'f-1' as FrameworkId,
}
export const PING_MS = 3_000
export const PINGS_MISSED_MAX = 5

export function aProfile(given: Partial<Profile> = {}): Profile {
  return {
    agentId: 'a-1' as AgentId,
    hostname: 'host',
    resources: [
      { name: 'cpus', scalar: 4 },
      { name: 'mem', scalar: 1024 },
      { name: 'ports', ranges: [[31_000, 31_009]] },
    ],
    attributes: [{ name: 'rack', text: 'r1' }],
    sandboxesMax: 10,
    ...given,
  }
}

export function aTask(taskId: string, given: Partial<TaskInfo> = {}): TaskInfo {
  return {
    taskId: taskId as TaskId,
    resources: { cpus: 1, mem: 32 },
    command: { shell: 'true' },
    ...given,
  }
}

export const launchOf = (taskId: string): Launch => `launch-${taskId}` as Launch

export function aRun(tasks: readonly TaskInfo[], given: Partial<Run> = {}): Run {
  return {
    kind: 'run',
    ...FRAMEWORK,
    subscription: { epoch: 5, count: 1 },
    role: '*',
    resourcesVersion: 1,
    tasks: tasks.map((task) => ({ launch: launchOf(task.taskId), task })),
    ...given,
  }
}

export const aRef = (taskId: string) => ({
  ...FRAMEWORK,
  taskId: taskId as TaskId,
  launch: launchOf(taskId),
})

export function registered(given: Partial<AgentOrder> = {}): AgentOrder {
  return {
    kind: 'registered',
    version: 1,
    pingMs: PING_MS,
    pingsMissedMax: PINGS_MISSED_MAX,
    frameworks: [],
    ...given,
  } as AgentOrder
}

/** Of a rig's first start: the seconds of its wall clock. */
export const INCARNATION = 1_700_000_001

export interface Restart {
  readonly containers?: readonly FoundContainer[]
  readonly bootId?: string
  readonly profile?: Profile
}

export class Rig {
  state: AgentState
  records: AgentRecord[] = []
  bootId = 'boot-1'
  nowMs = 1_000
  /** By so much its wall clock was set forward. */
  wallStepMs = 0
  leader = LEADER
  /** Looks at the disk, which come by themselves and are not among the effects. */
  looks: Effect[] = []
  /** What the last start came to. */
  begun: readonly Effect[] = []
  /** The leader's numbers in the current session. */
  #said = 0
  #starts = 0

  constructor(profile: Profile = aProfile()) {
    this.state = newAgent(profile, '1'.repeat(32))
    this.begun = this.#start(profile, [])
  }

  #start(profile: Profile, containers: readonly FoundContainer[]): readonly Effect[] {
    this.#starts += 1
    this.state = newAgent(profile, String(this.#starts).repeat(32).slice(0, 32))
    const { records, bootId } = this
    return this.hear({ kind: 'start', records, containers, bootId })
  }

  /** One input and the end of its turn. */
  hear(input: Input | CommonInput): readonly Effect[] {
    const wallMs = 1_700_000_000_000 + this.wallStepMs + this.nowMs
    const now = { monotonicMs: this.nowMs, wallMs }
    const effects = [...agentCore.handle(this.state, input, now)]
    if (agentCore.wantsFlush(this.state)) {
      effects.push(...agentCore.handle(this.state, { kind: 'flush' }, now))
    }
    assert(!agentCore.wantsFlush(this.state), 'one flush is enough')
    for (const effect of effects) this.#keep(effect)
    return effects
  }

  #keep(effect: Effect): void {
    if (effect.do === 'checkpoint') this.records.push(...effect.records)
    if (effect.do === 'compact') this.records = [...effect.records]
    if (effect.do === 'report') assertValid('AgentReports', effect.message)
    if (effect.do === 'update') assertValid('StatusUpdates', effect.message)
    if (effect.do === 'send-output') assertValid('Output', effect.message)
  }

  /** Time goes on; whatever is due on the way happens. */
  pass(ms: number): readonly Effect[] {
    const untilMs = this.nowMs + ms
    const effects: Effect[] = []
    for (;;) {
      const atMs = agentCore.wakeAtMs(this.state)
      if (atMs === undefined || atMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, atMs)
      for (const effect of this.hear({ kind: 'wake' })) {
        if (effect.do === 'measure-disk') this.looks.push(effect)
        else effects.push(effect)
      }
    }
    this.nowMs = untilMs
    return effects
  }

  get session(): SessionId {
    const { link } = this.state
    assert(link.kind === 'opening' || link.kind === 'open', `the link is ${link.kind}`)
    return link.session.id
  }

  beat(beat: Beat = this.leader): readonly Effect[] {
    return this.hear({ kind: 'leader.beat', beat })
  }

  /** The current leader says this in the current session, with the next number. */
  orders(...orders: AgentOrder[]): readonly Effect[] {
    this.#said += 1
    return this.message({ n: this.#said, orders })
  }

  message(given: {
    readonly n?: number
    readonly heard?: number
    readonly session?: SessionId
    readonly fence?: Fence
    readonly orders: AgentOrder[]
  }): readonly Effect[] {
    const { fence = this.leader, session = this.session, ...rest } = given
    return this.hear({ kind: 'leader.orders', message: { ...fence, session, ...rest } })
  }

  invite(fence: Fence = this.leader): readonly Effect[] {
    const message = { ...fence, orders: [{ kind: 'invite' as const }] }
    return this.hear({ kind: 'leader.orders', message })
  }

  /** The leader confirms the session that is being opened. */
  confirm(given: Partial<AgentOrder> = {}): readonly Effect[] {
    this.#said = 0
    return this.orders(registered(given))
  }

  /** The leader has heard all that was said so far. */
  heardAll(): readonly Effect[] {
    const { link } = this.state
    assert(link.kind === 'open')
    this.#said += 1
    return this.message({ n: this.#said, heard: link.session.said, orders: [{ kind: 'ping' }] })
  }

  started(taskId: string): readonly Effect[] {
    return this.hear({ kind: 'container.started', containerId: launchOf(taskId) })
  }

  ended(
    taskId: string,
    exit: EndSeen['exit'] = { code: 0 },
    limit?: EndSeen['limit'],
  ): readonly Effect[] {
    const seen = { exit, ...(limit && { limit }) }
    return this.hear({ kind: 'container.ended', containerId: launchOf(taskId), ...seen })
  }

  ack(status: TaskStatus, given: { subscription?: { epoch: number; count: number } } = {}) {
    const { taskId, uuid = '', launch } = status
    const acks = [{ taskId, uuid, ...(launch === undefined ? {} : { launch }) }]
    return this.hear({ kind: 'framework.acks', from: FRAMEWORK, message: { acks, ...given } })
  }

  /** Acknowledges all that comes until nothing comes any more; all effects of it. */
  ackAll(): readonly Effect[] {
    const effects: Effect[] = []
    for (let rounds = 0; rounds < 100; rounds++) {
      const heads = [...this.state.tasks.values()].flatMap(({ taskId, launch, stream }) =>
        stream.slice(0, 1).map((body) => ({ ...body, taskId, launch, source: 'agent' as const })),
      )
      if (heads.length === 0) return effects
      for (const head of heads) effects.push(...this.ack(head))
    }
    assert.fail('streams do not end')
  }

  /** Another process goes on with the checkpoint. */
  restart({ containers = [], bootId = this.bootId, profile }: Restart = {}): readonly Effect[] {
    this.bootId = bootId
    this.begun = this.#start(profile ?? this.state.profile, containers)
    return this.begun
  }
}

/** An agent with a confirmed session. */
export function aRegisteredAgent(profile: Profile = aProfile()): Rig {
  const rig = new Rig(profile)
  rig.beat()
  rig.confirm()
  return rig
}

/** An agent that runs one task, all of whose statuses so far are acknowledged. */
export function anAgentThatRuns(taskId: string, given: Partial<TaskInfo> = {}): Rig {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask(taskId, given)]))
  rig.started(taskId)
  rig.ackAll()
  return rig
}

export function found(taskId: string, state: FoundContainer['state']): FoundContainer {
  return { containerId: launchOf(taskId), sandbox: aRef(taskId), state }
}

export const messagesOf = (effects: readonly Effect[]): readonly AgentReports[] =>
  effects.flatMap((effect) => (effect.do === 'report' ? [effect.message] : []))

export const reportsOf = (effects: readonly Effect[]): readonly AgentReport[] =>
  messagesOf(effects).flatMap(({ reports }) => reports)

export const updatesOf = (effects: readonly Effect[]): readonly StatusUpdates[] =>
  effects.flatMap((effect) => (effect.do === 'update' ? [effect.message] : []))

export const statusesOf = (effects: readonly Effect[]): readonly TaskStatus[] =>
  updatesOf(effects).flatMap(({ statuses }) => statuses)

/** The one status of these effects. */
export function statusOf(effects: readonly Effect[]): TaskStatus {
  const statuses = statusesOf(effects)
  assert.equal(statuses.length, 1, `${statuses.length} statuses`)
  return statuses[0] as TaskStatus
}

export const kindsOf = (effects: readonly Effect[]): readonly string[] =>
  effects.map((effect) => effect.do)

/** Every message that leaves has the shape that receivers check, and nothing beside it. */
function assertValid(name: MessageName, message: unknown): void {
  const copy = structuredClone(message)
  const checked = check(name, copy)
  assert(checked.ok, checked.ok ? '' : checked.refusal.message)
  assert.deepEqual(copy, message)
}
