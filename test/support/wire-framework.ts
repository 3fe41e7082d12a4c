/** A framework that speaks the wire by hand, and keeps all that it hears. */
import type { Messenger } from '../../bus/messenger.ts'
import { RefusedError } from '../../bus/service.ts'
import type {
  AgentId,
  FrameworkId,
  FrameworkKey,
  Principal,
  SessionId,
} from '../../protocol/ids.ts'
import type { AcceptAnswer, Subscribe } from '../../protocol/schema/calls.ts'
import type { ResourceList, TaskInfo, TaskStatus } from '../../protocol/schema/common.ts'
import type { Message } from '../../protocol/schema/messages.ts'
import type { FrameworkEvent, Offer } from '../../protocol/schema/scheduler.ts'
import {
  acknowledgements,
  type FRAMEWORK_VERBS,
  type FrameworkVerb,
  frameworkCall,
  frameworkEvents,
  statusUpdates,
} from '../../protocol/subjects.ts'

const CALL_TIMEOUT_MS = 1_000

type Body<V extends FrameworkVerb> = Message<(typeof FRAMEWORK_VERBS)[V]>
type Operation = Body<'accept'>['operations'][number]
type Kinds<K extends FrameworkEvent['kind']> = Extract<FrameworkEvent, { kind: K }>
/** `done`, or the name of the refusal; `answer` is what came with it. */
export interface Called {
  readonly outcome: string
  readonly answer?: unknown
}

interface AcceptOptions {
  readonly offers?: readonly Offer[]
  readonly refuseMs?: number
}
type Accepted = AcceptAnswer & Called

export interface WireFrameworkParts {
  readonly messenger: Messenger
  readonly frameworkId: string
  readonly principal?: string
  /** Calls carry it. Default: they carry none. */
  readonly session?: SessionId
  /** Virtual time passes until it is settled. */
  readonly until: <T>(promise: Promise<T>) => Promise<T>
}

export class WireFramework {
  /** Those that can still be answered, oldest first. */
  readonly offers: Offer[] = []
  /** What the leader said, in order; pings are answered and not kept. */
  readonly events: FrameworkEvent[] = []
  /** Of agents and leader, as they came. */
  readonly statuses: TaskStatus[] = []
  /** It answers pings. */
  isAnswering = true
  isAcknowledging = true
  /** Told of each offer as it comes. Whoever answers here does so by `say`. */
  onOffer: ((offer: Offer) => void) | undefined
  /** Told when some are taken back. */
  onRescind: (() => void) | undefined
  readonly ids: { readonly cluster: string; principal: Principal; frameworkId: FrameworkId }
  readonly #parts: WireFrameworkParts

  constructor(parts: WireFrameworkParts) {
    const { messenger, frameworkId, principal = 'local' } = parts
    this.#parts = parts
    this.ids = {
      cluster: 'bourse',
      principal: principal as Principal,
      frameworkId: frameworkId as FrameworkId,
    }
    messenger.listen(frameworkEvents, this.ids, (message) => {
      // Two processes of one framework share a subject; each hears its own session.
      if (message.session === parts.session) for (const event of message.events) this.#hear(event)
    })
    messenger.listen(statusUpdates, this.ids, ({ statuses }, { agentId }) => {
      for (const status of statuses) this.#update(status, agentId)
    })
  }

  get key(): FrameworkKey {
    const { principal, frameworkId } = this.ids
    return { principal, frameworkId }
  }

  #hear(event: FrameworkEvent): void {
    if (event.kind === 'ping') {
      if (this.isAnswering) this.say('pong', {})
      return
    }
    this.events.push(event)
    if (event.kind === 'subscribed') this.offers.length = 0
    else if (event.kind === 'offers') this.#take(event.offers)
    else if (event.kind === 'rescind') this.#lose(event.offers)
    else if (event.kind === 'status') this.statuses.push(event.status)
  }

  #take(offers: readonly Offer[]): void {
    this.offers.push(...offers)
    for (const offer of offers) this.onOffer?.(offer)
  }

  #lose(offers: readonly string[]): void {
    this.forget(offers)
    this.onRescind?.()
  }

  #update(status: TaskStatus, agentId: AgentId): void {
    const { taskId, uuid, launch } = status
    this.statuses.push({ ...status, agentId })
    if (!this.isAcknowledging || uuid === undefined) return
    const acks = [{ taskId, uuid, ...(launch !== undefined && { launch }) }]
    this.#parts.messenger.send(acknowledgements, { ...this.ids, agentId }, { acks })
  }

  /** They are answered. */
  forget(offers: readonly string[]): void {
    const left = this.offers.filter(({ offerId }) => !offers.includes(offerId))
    this.offers.splice(0, this.offers.length, ...left)
  }

  #withSession<V extends FrameworkVerb>(body: Body<V>): Body<V> {
    const { session } = this.#parts
    return session === undefined ? body : { ...body, session }
  }

  /** Calls, and waits for no answer. */
  say<V extends FrameworkVerb>(verb: V, body: Body<V>): void {
    this.#parts.messenger.send(frameworkCall, { ...this.ids, verb }, this.#withSession(body))
  }

  async call<V extends FrameworkVerb>(verb: V, body: Body<V>): Promise<Called> {
    const { messenger, until } = this.#parts
    const outgoing = { body: this.#withSession(body), timeoutMs: CALL_TIMEOUT_MS }
    try {
      const answer = await until(messenger.call(frameworkCall, { ...this.ids, verb }, outgoing))
      return { outcome: 'done', answer }
    } catch (error) {
      if (error instanceof RefusedError) return { outcome: error.refusal.name, answer: error }
      throw error
    }
  }

  subscribe(more: Partial<Subscribe> = {}): Promise<Called> {
    return this.call('subscribe', { name: 'a test', secret: 'a secret of tests', ...more })
  }

  /** Uses these offers, by default all, for tasks. */
  accept(tasks: readonly TaskInfo[], options: AcceptOptions = {}): Promise<Accepted> {
    return this.operate([{ kind: 'launch', tasks: [...tasks] }], options)
  }

  /** Uses these offers, by default all, for operations. */
  async operate(
    operations: readonly Operation[],
    { offers = [...this.offers], refuseMs }: AcceptOptions = {},
  ): Promise<Accepted> {
    const offerIds = offers.map(({ offerId }) => offerId)
    this.forget(offerIds)
    const { outcome, answer } = await this.call('accept', {
      offers: offerIds,
      operations: [...operations],
      ...(refuseMs !== undefined && { refuseMs }),
    })
    return { ...(answer as AcceptAnswer), outcome, answer }
  }

  /** Gives these back, by default all. */
  decline(
    refuseMs?: number,
    offers: readonly Offer[] = [...this.offers],
    reason?: string,
  ): Promise<Called> {
    const offerIds = offers.map(({ offerId }) => offerId)
    this.forget(offerIds)
    return this.call('decline', {
      offers: offerIds,
      ...(refuseMs !== undefined && { refuseMs }),
      ...(reason !== undefined && { reason }),
    })
  }

  heard<K extends FrameworkEvent['kind']>(kind: K): readonly Kinds<K>[] {
    return this.events.filter((event): event is Kinds<K> => event.kind === kind)
  }

  /** The states that were told of a task, each repeat once. */
  statesOf(taskId: string): readonly string[] {
    const states = this.statuses.flatMap((status) =>
      status.taskId === taskId ? [status.state as string] : [],
    )
    return states.filter((state, i) => state !== states[i - 1])
  }

  lastOf(taskId: string): TaskStatus | undefined {
    return this.statuses.findLast((status) => status.taskId === taskId)
  }
}

/** Uses every offer that these hold whole, for a task each, until none of them holds any. */
export async function takeAll(
  frameworks: readonly WireFramework[],
  pass: () => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (;;) {
    const holding = frameworks.filter(({ offers }) => offers.length > 0)
    if (holding.length === 0) return
    for (const framework of holding) {
      for (const offer of framework.offers.slice()) {
        const task = aRun(`${offer.agentId}.${offer.offerId}`.replaceAll('.', '-'), offer.resources)
        await framework.accept([{ ...task, command: aRun('t', {}, env).command }], {
          offers: [offer],
        })
      }
    }
    await pass()
  }
}

/** A task that runs until it is killed, unless `env` says otherwise. */
export function aRun(
  taskId: string,
  resources: TaskInfo['resources'] = { cpus: 1, mem: 128 },
  env: Readonly<Record<string, string>> = {},
): TaskInfo {
  const command = { argv: ['true'], env: { PRETEND_MS: 'Infinity', ...env } }
  return { taskId: taskId as TaskInfo['taskId'], resources, command }
}

export const cpusMem = (cpus: number, mem: number): ResourceList => [
  { name: 'cpus', scalar: cpus },
  { name: 'mem', scalar: mem },
]

/** How much of that name an offer holds. */
export const amount = ({ resources }: Pick<Offer, 'resources'>, name: string): number =>
  resources.reduce((sum, entry) => (entry.name === name ? sum + (entry.scalar ?? 0) : sum), 0)
