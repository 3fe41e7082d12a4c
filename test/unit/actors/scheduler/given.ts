/** A scheduler's core and a leader that says what the test wants. */

import type { CommonInput } from '../../../../actors/parts/core.ts'
import { schedulerCore } from '../../../../actors/scheduler/core.ts'
import type { Effect } from '../../../../actors/scheduler/effects.ts'
import type { Input } from '../../../../actors/scheduler/inputs.ts'
import {
  newScheduler,
  type SchedulerState,
  type Settings,
} from '../../../../actors/scheduler/state.ts'
import type { Refusal } from '../../../../protocol/errors.ts'
import type { AgentId, Launch, RunId, SessionId, TaskId } from '../../../../protocol/ids.ts'
import type {
  Fence,
  Subscription,
  TaskInfo,
  TaskStatus,
} from '../../../../protocol/schema/common.ts'
import type {
  FrameworkEvent,
  FrameworkEvents,
  Offer,
} from '../../../../protocol/schema/scheduler.ts'

export const RUN = '00000000000000aa' as RunId
export const OTHER_RUN = '00000000000000bb' as RunId
export const AGENT = 'agent-1' as AgentId
export const OTHER_AGENT = 'agent-2' as AgentId

export const fence = (epoch: number, run = RUN): Fence => ({ epoch, run })
export const launch = (epoch: number, made: number): Launch => `${epoch}-${RUN}-${made}` as Launch
export const uuid = (n: number): string => n.toString(16).padStart(32, '0')

export function anOffer(n: number, fields: Partial<Offer> = {}): Offer {
  return {
    offerId: `1-${RUN}-${n}`,
    agentId: AGENT,
    hostname: 'host-1',
    role: '*',
    resources: [
      { name: 'cpus', scalar: 4 },
      { name: 'mem', scalar: 1024 },
    ],
    attributes: [],
    ...fields,
  }
}

export function aTask(taskId: string, fields: Partial<TaskInfo> = {}): TaskInfo {
  return {
    taskId: taskId as TaskId,
    resources: { cpus: 1, mem: 32 },
    command: { argv: ['true'] },
    ...fields,
  }
}

export function aStatus(state: TaskStatus['state'], fields: Partial<TaskStatus> = {}): TaskStatus {
  return { taskId: 't-1' as TaskId, state, source: 'agent', atMs: 0, ...fields }
}

type Of<K extends Effect['do']> = Extract<Effect, { readonly do: K }>
type Verb = Of<'call'>['verb']
type CallOf<V extends Verb> = Extract<Of<'call'> | Of<'send'>, { readonly verb: V }>

export class Given {
  readonly state: SchedulerState
  nowMs = 1_000
  /** Of the last input. */
  effects: readonly Effect[] = []
  #said = 0

  constructor(settings: Partial<Settings> = {}) {
    const whole = {
      secret: 'a secret',
      name: 'test',
      roles: ['*'],
      failoverMs: 5_000,
      terms: {},
      isSuppressed: false,
      isReturning: false,
      ...settings,
    }
    this.state = newScheduler(whole, '0123456789abcdef0123456789abcdef')
  }

  input(input: Input | CommonInput): readonly Effect[] {
    const now = { monotonicMs: this.nowMs, wallMs: this.nowMs }
    this.effects = schedulerCore.handle(this.state, input, now)
    return this.effects
  }

  flush(): readonly Effect[] {
    return this.input({ kind: 'flush' })
  }

  /** Time passes; the core is woken whenever it wants. */
  pass(ms: number): readonly Effect[] {
    const untilMs = this.nowMs + ms
    const all: Effect[] = []
    for (;;) {
      const nextMs = schedulerCore.wakeAtMs(this.state)
      if (nextMs === undefined || nextMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, nextMs)
      all.push(...this.input({ kind: 'wake' }))
    }
    this.nowMs = untilMs
    this.effects = all
    return all
  }

  get session(): SessionId {
    const { link } = this.state
    if (link.phase !== 'opening' && link.phase !== 'open') throw new Error(link.phase)
    return link.session.id
  }

  /** An event list of the leader, numbered on. */
  say(events: readonly FrameworkEvent[], fields: Partial<FrameworkEvents> = {}): readonly Effect[] {
    this.#said += 1
    const message: FrameworkEvents = {
      ...fence(1),
      session: this.session,
      n: this.#said,
      heard: 0,
      events: [...events],
      ...fields,
    }
    return this.input({ kind: 'leader.events', message })
  }

  /** Confirms the present session. */
  subscribe(leader: Fence = fence(1), count = 1): readonly Effect[] {
    this.#said = 0
    return this.say([subscribed(leader.epoch, count)], leader)
  }

  /** Started and subscribed at the leader of epoch 1. */
  subscribed(): this {
    this.input({ kind: 'start' })
    this.subscribe()
    return this
  }

  offer(...offers: readonly Offer[]): this {
    this.say([{ kind: 'offers', offers: [...offers] }])
    return this
  }

  /** Tasks on an offer that was just made, heard by the leader. */
  launched(...taskIds: readonly string[]): this {
    const offer = anOffer(1_000 + this.state.counts.sessions)
    this.offer(offer)
    this.accept([offer.offerId], taskIds)
    this.answer(this.call('accept').key)
    return this
  }

  accept(offers: readonly string[], taskIds: readonly string[], ask = 1): readonly Effect[] {
    return this.input({
      kind: 'framework.accept',
      ask,
      offers: offers as readonly never[],
      operations:
        taskIds.length === 0 ? [] : [{ kind: 'launch', tasks: taskIds.map((id) => aTask(id)) }],
    })
  }

  answer(key: SessionId, refusal?: Refusal): readonly Effect[] {
    return this.input({ kind: 'leader.answered', key, ...(refusal && { refusal }) })
  }

  /** Agents say. */
  status(status: TaskStatus, agentId = AGENT, subscription?: Subscription): readonly Effect[] {
    const message = { statuses: [{ ...status }], ...(subscription && { subscription }) }
    return this.input({ kind: 'agent.statuses', agentId, message })
  }

  all<K extends Effect['do']>(kind: K): readonly Of<K>[] {
    return this.effects.filter((effect): effect is Of<K> => effect.do === kind)
  }

  /** All calls of a verb in the last effects, asked or only sent. */
  calls<V extends Verb>(verb: V): readonly CallOf<V>[] {
    return this.effects.filter(
      (effect): effect is CallOf<V> =>
        (effect.do === 'call' || effect.do === 'send') && effect.verb === verb,
    )
  }

  call<V extends Verb>(verb: V): CallOf<V> & { readonly key: SessionId } {
    const [first, ...more] = this.calls(verb)
    if (first?.do !== 'call' || more.length > 0) throw new Error(`not one call of ${verb}`)
    return first
  }
}

export function subscribed(
  epoch: number,
  count = 1,
  fields: { readonly lastLaunch?: Launch } = {},
): FrameworkEvent {
  return {
    kind: 'subscribed',
    subscription: { epoch, count },
    master: 'm-1' as never,
    version: 1,
    pingMs: 5_000,
    pingsMissedMax: 3,
    failoverMs: 5_000,
    ...fields,
  }
}
