/**
 * What an agent's core sees of the world in a random run: machine, leader and framework, all crude.
 */
import assert from 'node:assert/strict'
import { agentCore } from '../../../../actors/agent/core.ts'
import type { Effect } from '../../../../actors/agent/effects.ts'
import type { FoundContainer, Input } from '../../../../actors/agent/inputs.ts'
import type { AgentRecord } from '../../../../actors/agent/records.ts'
import { type AgentState, newAgent } from '../../../../actors/agent/state.ts'
import type { CommonInput } from '../../../../actors/parts/core.ts'
import { nextFraction, nextHex, nextInteger, type Random } from '../../../../actors/parts/random.ts'
import type { Launch, SessionId, TaskId } from '../../../../protocol/ids.ts'
import { listResources } from '../../../../protocol/resources.ts'
import type { AgentOrder } from '../../../../protocol/schema/agent.ts'
import type { TaskStatus } from '../../../../protocol/schema/common.ts'
import type { AgentReports } from '../../../../protocol/schema/master.ts'
import { isTerminal } from '../../../../protocol/task-state.ts'
import { aProfile, aRun, aTask, FRAMEWORK, LEADER, registered } from './builders.ts'

const CPUS_TOTAL = 4

interface LeaderSide {
  session: SessionId | undefined
  pages: number
  heard: number
  said: number
  isConfirmed: boolean
}

export class Model {
  readonly random: Random
  readonly profile = aProfile({ resources: [{ name: 'cpus', scalar: CPUS_TOTAL }] })
  state: AgentState
  nowMs = 0
  /** The chance that a message is lost, or that a list of effects is cut by a crash. */
  faults = 0.1
  crashes = 0
  records: AgentRecord[] = []
  readonly containers = new Map<string, FoundContainer>()
  readonly launched = new Set<string>()
  readonly persisted = new Set<string>()
  readonly seen = new Map<Launch, TaskStatus[]>()
  leader: LeaderSide = { session: undefined, pages: 0, heard: 0, said: 0, isConfirmed: false }
  /** Numbers said by the agent in its session. */
  #saidBy: { session: SessionId | undefined; n: number } = { session: undefined, n: 0 }
  #tasks = 0
  readonly #inputs: Input[] = []

  constructor(random: Random) {
    this.random = random
    this.state = newAgent(this.profile, nextHex(random, 128))
    this.restart()
  }

  isUnlucky(): boolean {
    return nextFraction(this.random) < this.faults
  }

  restart(): void {
    this.state = newAgent(this.profile, nextHex(this.random, 128))
    this.#saidBy = { session: undefined, n: 0 }
    this.#inputs.length = 0
    const containers = [...this.containers.values()]
    this.hear({ kind: 'start', records: this.records, containers, bootId: 'boot' })
  }

  /** One input and its turn; a crash may cut the effects anywhere. */
  hear(input: Input | CommonInput): void {
    const now = { monotonicMs: this.nowMs, wallMs: this.nowMs }
    const effects = [...agentCore.handle(this.state, input, now)]
    if (agentCore.wantsFlush(this.state)) {
      effects.push(...agentCore.handle(this.state, { kind: 'flush' }, now))
    }
    const isCut = input.kind !== 'start' && nextFraction(this.random) < this.faults / 10
    const performed = isCut
      ? effects.slice(0, nextInteger(this.random, 0, effects.length))
      : effects
    for (const effect of performed) this.#perform(effect)
    if (isCut) {
      this.crashes += 1
      this.restart()
    }
    this.#checkBooks()
  }

  #checkBooks(): void {
    const held = [...this.state.tasks.values()].filter(({ holds }) => holds.size > 0)
    const cpus = listResources(this.state.free).find(({ name }) => name === 'cpus')?.scalar ?? 0
    assert.equal(cpus + held.length, CPUS_TOTAL, 'what is free and what is held are all there is')
    const running = [...this.containers.values()].filter(({ state }) => state.kind === 'running')
    assert(running.length <= CPUS_TOTAL, `${running.length} tasks run`)
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'compact':
        this.records = []
        return this.#remember(effect.records)
      case 'checkpoint':
        return this.#remember(effect.records)
      case 'launch': {
        const { containerId, sandbox } = effect.container
        assert(!this.launched.has(containerId), 'no task starts twice')
        assert(this.records.some((r) => r.kind === 'task' && r.launch === containerId))
        this.launched.add(containerId)
        this.containers.set(containerId, { containerId, sandbox, state: { kind: 'running' } })
        this.#inputs.push({ kind: 'container.started', containerId })
        return
      }
      case 'kill':
        return this.end(effect.containerId, { signal: 15, name: 'SIGTERM' })
      case 'destroy':
        this.containers.delete(effect.containerId)
        return
      case 'report':
        return this.#reported(effect.message)
      case 'update':
        this.#numbered(effect.message)
        if (this.isUnlucky()) return
        this.#updated(effect.message.statuses)
        if (effect.message.n !== undefined) this.#heardByLeader(effect.message)
        return
      default:
        return
    }
  }

  #remember(records: readonly AgentRecord[]): void {
    this.records.push(...records)
    for (const entry of records) {
      if (entry.kind === 'status') this.persisted.add(entry.status.uuid ?? '')
      if (entry.kind === 'task') this.persisted.add(entry.last?.uuid ?? '')
    }
  }

  /** The framework: it hears each status at least once and in order, and acknowledges. */
  #updated(statuses: readonly TaskStatus[]): void {
    for (const status of statuses) {
      assert(this.persisted.has(status.uuid ?? ''), 'a status is kept before it is told')
      const launch = status.launch as Launch
      const before = this.seen.get(launch) ?? []
      if (!before.some(({ uuid }) => uuid === status.uuid)) {
        const last = before.at(-1)
        assert(last === undefined || !isTerminal(last.state), 'nothing follows an end')
        assert(last === undefined || isAfter(status, last), 'statuses come in order')
        this.seen.set(launch, [...before, status])
      }
      if (this.isUnlucky()) continue
      const { taskId, uuid = '' } = status
      const message = { acks: [{ taskId, uuid }] }
      this.#inputs.push({ kind: 'framework.acks', from: FRAMEWORK, message })
    }
  }

  #numbered({ session, n }: { session?: SessionId; n?: number }): void {
    if (n === undefined || session === undefined) return
    if (session === this.#saidBy.session && n > 1) {
      if (n > this.#saidBy.n) assert.equal(n, this.#saidBy.n + 1, 'numbers have no gaps')
    }
    this.#saidBy = {
      session,
      n: Math.max(n, session === this.#saidBy.session ? this.#saidBy.n : 0),
    }
  }

  #reported(message: AgentReports): void {
    this.#numbered(message)
    if (!this.isUnlucky()) this.#heardByLeader(message)
  }

  #heardByLeader({ session, n, reports = [] }: Partial<AgentReports>): void {
    const { leader } = this
    const [first] = reports
    if (first?.kind === 'register' && leader.session !== session) {
      this.leader = { session, pages: first.pages, heard: 0, said: 0, isConfirmed: false }
    }
    if (this.leader.session !== session || n === undefined) return
    if (n > this.leader.heard + 1 && this.leader.isConfirmed) {
      this.#inputs.push({
        kind: 'leader.orders',
        message: { ...LEADER, orders: [{ kind: 'invite' }] },
      })
    }
    if (n === this.leader.heard + 1) this.leader.heard = n
    if (this.leader.heard === this.leader.pages + 1 && !this.leader.isConfirmed) {
      this.leader.isConfirmed = true
      this.order(registered())
    }
  }

  order(...orders: AgentOrder[]): void {
    const { leader } = this
    if (leader.session === undefined || !leader.isConfirmed) return
    leader.said += 1
    const { session, said: n, heard } = leader
    if (this.isUnlucky()) return
    this.#inputs.push({ kind: 'leader.orders', message: { ...LEADER, session, n, heard, orders } })
  }

  run(): void {
    this.#tasks += 1
    this.order(aRun([aTask(`t-${this.#tasks}`, { resources: { cpus: 1 } })]))
  }

  kill(): void {
    const taskId = `t-${nextInteger(this.random, 1, this.#tasks + 1)}` as TaskId
    this.order({ kind: 'kill', ...FRAMEWORK, taskId, graceMs: 0 })
  }

  end(containerId: string, exit: Extract<Input, { kind: 'container.ended' }>['exit']): void {
    const container = this.containers.get(containerId)
    if (container?.state.kind !== 'running') return
    this.containers.set(containerId, { ...container, state: { kind: 'ended', exit } })
    this.#inputs.push({ kind: 'container.ended', containerId, exit })
  }

  endOne(): void {
    const [containerId] = [...this.containers.keys()]
    if (containerId !== undefined) this.end(containerId, { code: nextInteger(this.random, 0, 2) })
  }

  /** What is on its way arrives. */
  deliver(): void {
    for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
      this.hear(input)
    }
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      const atMs = agentCore.wakeAtMs(this.state)
      if (atMs === undefined || atMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, atMs)
      this.hear({ kind: 'wake' })
      this.deliver()
    }
    this.nowMs = untilMs
    this.hear({ kind: 'leader.beat', beat: LEADER })
    this.order({ kind: 'ping' })
    this.deliver()
  }
}

function isAfter({ number: a }: TaskStatus, { number: b }: TaskStatus): boolean {
  if (a === undefined || b === undefined) return false
  return a.incarnation > b.incarnation || (a.incarnation === b.incarnation && a.count > b.count)
}
