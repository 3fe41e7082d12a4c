/**
 * A master core with a world to play by hand: time, a lease record, a registry log, and what the
 * core has said. Everything that it says is held to its shape and size, and its books are counted
 * after every input.
 */
import assert from 'node:assert/strict'
import { type MasterOptions, masterCore, newMaster } from '../../actors/master/core.ts'
import type { Effect } from '../../actors/master/effects.ts'
import type { Agent, Framework, Task } from '../../actors/master/entities.ts'
import type { FrameworkCall } from '../../actors/master/frameworks/calls.ts'
import type { Input } from '../../actors/master/inputs.ts'
import type { OperatorCall } from '../../actors/master/operator.ts'
import type { LogBatch } from '../../actors/master/registry/copy.ts'
import type { Leader, MasterRules } from '../../actors/master/state.ts'
import type { CommonInput } from '../../actors/parts/core.ts'
import { check } from '../../protocol/check.ts'
import type { Refusal } from '../../protocol/errors.ts'
import {
  type AgentId,
  type FrameworkId,
  type FrameworkKey,
  frameworkKey,
  type MasterId,
  type Principal,
  type RunId,
  type SessionId,
  type TaskId,
} from '../../protocol/ids.ts'
import {
  AGENT_PING_MS,
  AGENT_PINGS_MISSED_MAX,
  FRAMEWORK_PING_MS,
  FRAMEWORK_PINGS_MISSED_MAX,
  LEASE_MS,
  MESSAGE_BYTES_MAX,
  MIN_ALLOCATABLE,
  OFFER_TIMEOUT_MS,
  REREGISTER_MS,
} from '../../protocol/limits.ts'
import type { AgentOrder } from '../../protocol/schema/agent.ts'
import type { AllocatorFigure } from '../../protocol/schema/allocator.ts'
import type {
  LeaseRecord,
  PeerBeat,
  RegistryBatch,
  RegistryPosition,
} from '../../protocol/schema/master.ts'
import type { Message, MessageName } from '../../protocol/schema/messages.ts'
import type { FrameworkEvent } from '../../protocol/schema/scheduler.ts'
import { FRAMEWORK_VERBS, OPERATOR_VERBS } from '../../protocol/subjects.ts'
import { wireBytes } from '../../protocol/wire-size.ts'
import { bookProblems } from './master-books.ts'

export const RUN = '00000000000000aa' as RunId
export const OTHER_RUN = '00000000000000bb' as RunId
export const MASTER = 'm1' as MasterId
export const OTHER_MASTER = 'm2' as MasterId

export const RULES: MasterRules = {
  leaseMs: LEASE_MS,
  agentPingMs: AGENT_PING_MS,
  agentPingsMissedMax: AGENT_PINGS_MISSED_MAX,
  reregisterMs: REREGISTER_MS,
  agentRemovals: { perMs: 60_000, part: 0.1, least: 20 },
  frameworkPingMs: FRAMEWORK_PING_MS,
  frameworkPingsMissedMax: FRAMEWORK_PINGS_MISSED_MAX,
  offerTimeoutMs: OFFER_TIMEOUT_MS,
  minAllocatable: MIN_ALLOCATABLE,
  peersWaitMs: 0,
  region: undefined,
}

const FULL = 'no space'

/** `0000000000000007` of 7: ids of sessions, calls, runs. */
export const bits = <I extends string = SessionId>(n: number): I =>
  n.toString(16).padStart(16, '0') as I

export const aFramework = (name = 'f1', principal = 'local'): FrameworkKey => ({
  principal: principal as Principal,
  frameworkId: name as FrameworkId,
})

export function aRecord(more: Partial<LeaseRecord> = {}): LeaseRecord {
  const holder = { holder: OTHER_RUN, master: OTHER_MASTER }
  return { ...holder, epoch: 4, counter: 9, leaseMs: LEASE_MS, ...more }
}

export function aBatch(
  epoch: number,
  n: number,
  ...records: RegistryBatch['records']
): RegistryBatch {
  return { epoch, run: OTHER_RUN, n, records }
}

export type Answer = { readonly ok: object } | { readonly refused: Refusal } | undefined

type Effects<D extends Effect['do']> = Extract<Effect, { do: D }>

/** What a sent effect's body must be. */
const SHAPES: Partial<Record<Effect['do'], MessageName>> = {
  'send-orders': 'AgentOrders',
  'send-events': 'FrameworkEvents',
  'send-figures': 'AllocatorFigures',
  'send-leader-beat': 'LeaderBeat',
  'send-peer-beat': 'PeerBeat',
  'send-public': 'PublicEvents',
}

function hold(name: MessageName, body: object): void {
  const checked = check(name, structuredClone(body))
  assert(checked.ok, checked.ok ? '' : checked.refusal.message)
}

function holdToShape(effect: Effect): void {
  const name = SHAPES[effect.do]
  if (name !== undefined && 'body' in effect) {
    hold(name, effect.body)
    assert(wireBytes(effect.body) <= MESSAGE_BYTES_MAX, `${name} is too large`)
  } else if (effect.do === 'write-lease') {
    hold('LeaseRecord', effect.record)
  } else if (effect.do === 'append-registry') {
    hold('RegistryBatch', effect.batch)
  }
}

/** What comes from outside was checked at the edge: a test says nothing that could not come in. */
function holdInputToShape(input: Input | CommonInput): void {
  if (input.kind === 'agent-reports') hold('AgentReports', input.body)
  else if (input.kind === 'status-updates') hold('StatusUpdates', input.body)
  else if (input.kind === 'allocator-reports') hold('AllocatorReports', input.body)
  else if (input.kind === 'peer-beat') hold('PeerBeat', input.body)
  else if (input.kind === 'operator-call') {
    hold(OPERATOR_VERBS[input.call.verb], input.call.body)
  } else if (input.kind === 'framework-call' && input.call.verb !== 'subscribe') {
    hold(FRAMEWORK_VERBS[input.call.verb], input.call.body)
  }
}

type StoreEffect = Effects<'read-lease' | 'write-lease' | 'read-registry' | 'append-registry'>

function failureOf(effect: StoreEffect): Input {
  if (effect.do === 'read-registry') return { kind: 'registry.unavailable', epoch: effect.epoch }
  if (effect.do !== 'append-registry') return { kind: 'lease.unavailable', asked: effect.do }
  return { kind: 'registry.unavailable', epoch: effect.batch.epoch }
}

export class MasterDriver {
  readonly state
  nowMs = 10_000
  /** All effects, in order. */
  readonly effects: Effect[] = []
  record: LeaseRecord | undefined
  revision = 0
  readonly log: RegistryBatch[] = []
  diskEpoch = 0
  /** This master's copy of the log. */
  disk: readonly LogBatch[] = []
  isDiskFull = false
  /** It does what it is asked for, and never says so. */
  isDiskMute = false
  /** One's own beats come back. */
  isEchoing = true
  /** False: a test ends each turn itself. */
  isFlushing = true
  /** What is asked of these stores waits in `held`. */
  readonly holding = new Set<'lease' | 'registry'>()
  held: StoreEffect[] = []
  readonly #waiting: (Input | CommonInput)[] = []
  #isStepping = false
  #calls = 0

  constructor(options: Partial<MasterOptions> = {}) {
    this.state = newMaster({
      masterId: MASTER,
      run: RUN,
      rules: RULES,
      highestEpoch: 0,
      saved: [],
      ...options,
    })
  }

  get leader(): Leader {
    assert(this.state.leader !== undefined, 'it does not lead')
    return this.state.leader
  }

  get isLeading(): boolean {
    return this.state.lease.state === 'leading'
  }

  /** One input and all that follows from it at once, flushed at the end. */
  input(...inputs: readonly (Input | CommonInput)[]): readonly Effect[] {
    const from = this.effects.length
    for (const input of inputs) this.#step(input)
    for (let turns = 0; this.isFlushing && masterCore.wantsFlush(this.state); turns++) {
      assert(turns < 10, 'it wants to flush for ever')
      this.#step({ kind: 'flush' })
    }
    return this.effects.slice(from)
  }

  /** The end of one turn; undefined: there is nothing to be said. */
  endTurn(): readonly Effect[] | undefined {
    if (!masterCore.wantsFlush(this.state)) return undefined
    const from = this.effects.length
    this.#step({ kind: 'flush' })
    return this.effects.slice(from)
  }

  #step(input: Input | CommonInput): void {
    holdInputToShape(input)
    this.#waiting.push(input)
    if (this.#isStepping) return
    this.#isStepping = true
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const now = { monotonicMs: this.nowMs, wallMs: 1e12 + this.nowMs }
      for (const effect of masterCore.handle(this.state, next, now)) {
        holdToShape(effect)
        this.effects.push(effect)
        this.#perform(effect)
      }
      assert.deepEqual(bookProblems(this.state), [], `after ${next.kind}`)
    }
    this.#isStepping = false
  }

  #perform(effect: Effect): void {
    if (effect.do === 'read-lease' || effect.do === 'write-lease') {
      if (this.holding.has('lease')) this.held.push(effect)
      else this.#step(this.outcome(effect))
    } else if (effect.do === 'read-registry' || effect.do === 'append-registry') {
      if (this.holding.has('registry')) this.held.push(effect)
      else this.#step(this.outcome(effect))
    } else if (effect.do === 'save-epoch') {
      if (this.isDiskFull) this.#step({ kind: 'epoch.unsaved', epoch: effect.epoch, problem: FULL })
      else {
        this.diskEpoch = effect.epoch
        if (!this.isDiskMute) this.#step({ kind: 'epoch.saved', epoch: effect.epoch })
      }
    } else if (effect.do === 'save-copy') {
      if (this.isDiskFull) this.#step({ kind: 'copy.unsaved', problem: FULL })
      else {
        this.disk = [...(effect.where === 'behind' ? this.disk : []), ...effect.batches]
        if (!this.isDiskMute) this.#step({ kind: 'copy.saved' })
      }
    } else if (effect.do === 'listen') this.#step({ kind: 'listening', epoch: effect.epoch })
    else if (effect.do === 'send-peer-beat' && this.isEchoing) {
      this.#step({ kind: 'peer-beat', masterId: MASTER, body: effect.body })
    } else if (effect.do === 'send-leader-beat' && this.isEchoing) {
      for (const connection of ['agents', 'frameworks']) {
        this.#step({ kind: 'leader-beat', body: effect.body, connection })
      }
    }
  }

  /** Does to the store what the effect asks for; returns what comes back. */
  outcome(effect: StoreEffect): Input {
    switch (effect.do) {
      case 'read-lease':
        return { kind: 'lease.read', record: this.record, revision: this.revision }
      case 'write-lease':
        if (effect.revision !== this.revision) return { kind: 'lease.conflict' }
        this.setRecord(effect.record)
        return { kind: 'lease.written', record: effect.record, revision: this.revision }
      case 'read-registry':
        return {
          kind: 'registry.read',
          epoch: effect.epoch,
          reading: effect.reading,
          batches: this.log
            .map((batch, i) => ({ sequence: i + 1, batch }))
            .slice(effect.from - 1, effect.from - 1 + effect.max),
          next: Math.min(effect.from + effect.max, this.log.length + 1),
          lastSequence: this.log.length,
        }
      case 'append-registry':
        return this.#append(effect)
    }
  }

  #append({ batch, lastSequence }: Effects<'append-registry'>): Input {
    const { epoch, n } = batch
    if (lastSequence !== this.log.length) return { kind: 'registry.conflict', epoch, n }
    this.log.push(batch)
    return { kind: 'registry.appended', epoch, n, sequence: this.log.length }
  }

  setRecord(record: LeaseRecord | undefined): void {
    this.record = record
    this.revision += 1
  }

  /** From here on the stores answer; what they were asked meanwhile is done, or has failed. */
  release(fate: 'done' | 'lost' | 'lost-but-done' = 'done'): readonly Effect[] {
    this.holding.clear()
    const held = this.held
    this.held = []
    const from = this.effects.length
    for (const effect of held) {
      const outcome = fate === 'lost' ? undefined : this.outcome(effect)
      this.input(fate === 'done' && outcome !== undefined ? outcome : failureOf(effect))
    }
    return this.effects.slice(from)
  }

  /** Lets time pass as the runner does. Others' beats are said again each 250 ms. */
  pass(ms: number, peer?: PeerBeat): readonly Effect[] {
    const untilMs = this.nowMs + ms
    const from = this.effects.length
    let peerAtMs = this.nowMs
    for (let turns = 0; ; turns++) {
      assert(turns < 100_000, 'it wants to be woken for ever')
      const wakeAtMs = masterCore.wakeAtMs(this.state) ?? Number.POSITIVE_INFINITY
      const atMs = Math.min(wakeAtMs, peer === undefined ? Number.POSITIVE_INFINITY : peerAtMs)
      if (atMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, atMs)
      if (peer !== undefined && atMs === peerAtMs) {
        peerAtMs += 250
        this.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body: peer })
      } else this.input({ kind: 'wake' })
    }
    this.nowMs = untilMs
    return this.effects.slice(from)
  }

  /** A clock that jumps: the process was stopped, and what waited comes in before any timer. */
  freeze(ms: number): void {
    this.nowMs += ms
  }

  /** Up to where it leads. */
  leading(): this {
    this.pass(1_000)
    assert(this.isLeading, `it is ${this.state.lease.state}`)
    return this
  }

  /** Another master, which leads now, and knows what this one has written to the store. */
  successor(options: Partial<MasterOptions> = {}): MasterDriver {
    const next = new MasterDriver({ highestEpoch: this.diskEpoch, ...options })
    next.log.push(...this.log)
    next.nowMs = this.nowMs
    return next.leading()
  }

  call(framework: FrameworkKey, call: FrameworkCall): Answer {
    this.#calls += 1
    const reply = `reply.${this.#calls}`
    return answerTo(reply, this.input({ kind: 'framework-call', framework, call, reply }))
  }

  operate(call: OperatorCall, principal = aFramework().principal): Answer {
    this.#calls += 1
    const reply = `reply.${this.#calls}`
    return answerTo(reply, this.input({ kind: 'operator-call', principal, call, reply }))
  }

  agent(id: string): Agent {
    const agent = this.leader.agents.get(id as AgentId)
    assert(agent !== undefined, `agent ${id} is not known`)
    return agent
  }

  framework(key: FrameworkKey = aFramework()): Framework {
    const framework = this.leader.frameworks.get(frameworkKey(key))
    assert(framework !== undefined, `framework ${frameworkKey(key)} is not known`)
    return framework
  }

  /** The ids of its tasks, in the order in which they came to be known. */
  taskIds(key?: FrameworkKey): readonly TaskId[] {
    return [...this.framework(key).tasks.values()].map(({ taskId }) => taskId)
  }

  task(id: string, key?: FrameworkKey): Task | undefined {
    return this.framework(key).tasks.get(id as Task['taskId'])
  }

  /** How far its copy of the registry goes. */
  get position(): RegistryPosition {
    return this.state.registry.copy.position
  }

  /** Those that the leader remembers, oldest first. */
  get ended(): readonly Task[] {
    return [...this.leader.ended.values()]
  }

  counter(name: string): number {
    return this.state.counters.get(name) ?? 0
  }

  /** The records that the registry has taken, all in a row. */
  get records() {
    return this.log.flatMap(({ records }) => records)
  }
}

export function answerTo(reply: string, effects: readonly Effect[]): Answer {
  for (const effect of effects) {
    if (effect.do === 'answer' && effect.reply === reply) return { ok: effect.body }
    if (effect.do === 'refuse' && effect.reply === reply) return { refused: effect.refusal }
  }
  return undefined
}

export const effectsOf = <D extends Effect['do']>(
  effects: readonly Effect[],
  kind: D,
): readonly Effects<D>[] => effects.filter((effect): effect is Effects<D> => effect.do === kind)

type Kinds<Item extends { kind: string }, K extends Item['kind']> = Extract<Item, { kind: K }>

const only = <Item extends { kind: string }, K extends Item['kind']>(
  items: readonly Item[],
  kind: K,
): readonly Kinds<Item, K>[] => items.filter((item): item is Kinds<Item, K> => item.kind === kind)

export const messagesTo = (
  effects: readonly Effect[],
  agentId: string,
): readonly Message<'AgentOrders'>[] =>
  effectsOf(effects, 'send-orders').flatMap((e) => (e.agentId === agentId ? [e.body] : []))

export const ordersTo = (effects: readonly Effect[], agentId: string): readonly AgentOrder[] =>
  messagesTo(effects, agentId).flatMap(({ orders }) => orders)

export const ordersOf = <K extends AgentOrder['kind']>(
  effects: readonly Effect[],
  agentId: string,
  kind: K,
): readonly Kinds<AgentOrder, K>[] => only(ordersTo(effects, agentId), kind)

export const eventsTo = (
  effects: readonly Effect[],
  key: FrameworkKey = aFramework(),
): readonly FrameworkEvent[] =>
  effectsOf(effects, 'send-events')
    .filter((effect) => frameworkKey(effect) === frameworkKey(key))
    .flatMap(({ body }) => body.events)

export const eventsOf = <K extends FrameworkEvent['kind']>(
  effects: readonly Effect[],
  kind: K,
  key?: FrameworkKey,
): readonly Kinds<FrameworkEvent, K>[] => only(eventsTo(effects, key), kind)

export const statusesOf = (
  effects: readonly Effect[],
  key?: FrameworkKey,
): readonly Kinds<FrameworkEvent, 'status'>['status'][] =>
  eventsOf(effects, 'status', key).map(({ status }) => status)

export const figuresOf = (effects: readonly Effect[]): readonly AllocatorFigure[] =>
  effectsOf(effects, 'send-figures').flatMap(({ body }) => body.figures)
