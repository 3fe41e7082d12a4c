/** A running scheduler as a framework's author holds it. */
import type { Clock } from '../../bus/clock.ts'
import type { Messenger } from '../../bus/messenger.ts'
import type { RandomToken } from '../../bus/random.ts'
import { ClusterError } from '../../protocol/errors.ts'
import {
  type AgentId,
  type FrameworkId,
  type OfferId,
  type Principal,
  type TaskId,
} from '../../protocol/ids.ts'
import type { OwnExplanation } from '../../protocol/schema/explain.ts'
import { Answering } from './answering.ts'
import { Asks } from './asks.ts'
import type { KillOptions, Listening, Scheduler, Standing } from './contract.ts'
import type {
  Accepted,
  AnswerOptions,
  DeclineOptions,
  Offered,
  Outcome,
  TaskGroup,
  TaskWish,
} from './contract-offers.ts'
import type { TaskQueue } from './contract-queue.ts'
import type { OutputOptions, OutputPiece, StatusHandler, TaskStatus } from './contract-statuses.ts'
import type { FrameworkUpdate } from './contract-terms.ts'
import type { EndReason } from './effects.ts'
import type { Input } from './inputs.ts'
import { OfferFeed } from './offer-feed.ts'
import { HandedOffer } from './offered.ts'
import { OutputFeed } from './output-feed.ts'
import {
  badOption,
  GRACE,
  HANDLER,
  OUTPUT_RULES,
  requireGood,
  SOME_ROLES,
  TASK_ID,
} from './rules.ts'
import { askWhy, type Handlers, type RunningScheduler, startScheduler } from './shell.ts'
import { newScheduler, type SchedulerState, type Settings } from './state.ts'
import { StatusFeed } from './status-feed.ts'
import { changesOf } from './terms.ts'

export interface LibraryDeps {
  readonly cluster: string
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  readonly settings: Settings
  readonly messenger: Messenger
  readonly clock: Clock
  readonly randomToken: RandomToken
  readonly onStanding: (standing: Standing, message: string) => void
}

const CLOSED = 'the scheduler was closed'

export class Library implements Scheduler {
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  readonly ended: Promise<ClusterError | undefined>
  readonly #deps: LibraryDeps
  readonly #state: SchedulerState
  readonly #running: RunningScheduler
  readonly #offers: OfferFeed
  readonly #answering: Answering
  readonly #statuses = new StatusFeed()
  readonly #output: OutputFeed
  readonly #failureHandlers = new Set<(agentId: AgentId) => void>()
  readonly #asks = new Asks()
  readonly #subscribed: Promise<void>
  #closing: Promise<void> | undefined
  #isOpen = false
  #end: (error: ClusterError | undefined) => void = () => undefined
  #tellSubscribed: () => void = () => undefined
  readonly #answered: Promise<void>
  #tellAnswered: () => void = () => undefined

  constructor(deps: LibraryDeps) {
    const { settings, clock, randomToken } = deps
    const { roles } = settings
    this.principal = deps.principal
    this.frameworkId = deps.frameworkId
    this.#deps = deps
    this.#state = newScheduler(settings, randomToken(128))
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#subscribed = new Promise((resolve) => {
      this.#tellSubscribed = resolve
    })
    this.#answered = new Promise((resolve) => {
      this.#tellAnswered = resolve
    })
    const input = (given: Input): void => this.#running.input(given)
    this.#output = new OutputFeed({ randomToken, input })
    this.#offers = new OfferFeed({
      clock,
      roles: () => this.#roles,
      suppressed: settings.isSuppressed ? roles : [],
      suppress: (some) => input({ kind: 'framework.suppress', roles: some }),
      revive: (some) => input({ kind: 'framework.revive', roles: some }),
      giveBack: (offers) =>
        void this.decline(offers, { reason: 'nobody reads offers', refuseMs: 0 }),
    })
    this.#answering = new Answering({
      state: this.#state,
      asks: this.#asks,
      clock,
      randomToken,
      input,
      renew: (role) => this.#offers.renew(role),
    })
    this.#running = startScheduler({ ...deps, state: this.#state, handlers: this.#handlers() })
  }

  get counts(): Readonly<Record<string, number>> {
    return this.#state.counts
  }

  get standing(): Standing {
    return this.#state.standing ?? 'leads'
  }

  /**
   * Resolves at the first subscription: an instance that stands by waits for it without a limit.
   * @throws {ClusterError} `scheduler/no-leader` after `timeoutMs`; `scheduler/option`: what the
   * leader has against the options; `scheduler/ended`.
   */
  async subscribed(timeoutMs: number): Promise<void> {
    let cancel = (): void => undefined
    const late = new Promise<ClusterError>((resolve) => {
      const what = `no leader of cluster ${this.#deps.cluster} has answered within ${timeoutMs / 1000} s`
      const timer = this.#deps.clock.after(timeoutMs, () =>
        resolve(new ClusterError('scheduler/no-leader', 'later', what)),
      )
      cancel = () => timer.cancel()
    })
    const error = await Promise.race([this.#answered, this.ended, late])
    cancel()
    const over = error ?? (await Promise.race([this.#subscribed, this.ended]))
    if (over instanceof ClusterError) throw over
  }

  offers(): AsyncIterable<Offered> {
    return this.#offers
  }

  statuses(taskId?: string): AsyncIterable<TaskStatus> {
    if (taskId !== undefined) requireGood('statuses', { taskId }, { taskId: TASK_ID })
    return this.#statuses.read(taskId as TaskId | undefined)
  }

  onStatus(handle: StatusHandler): Listening {
    requireGood('onStatus', { handle }, { handle: HANDLER })
    return this.#statuses.listen(handle)
  }

  onFailure(handle: (agentId: AgentId) => void): Listening {
    requireGood('onFailure', { handle }, { handle: HANDLER })
    const handlers = this.#failureHandlers
    handlers.add(handle)
    return { close: () => void handlers.delete(handle) }
  }

  accept(
    offers: readonly (OfferId | Offered)[],
    tasks: readonly (TaskWish | TaskGroup)[],
    options?: AnswerOptions,
  ): Promise<Accepted> {
    return this.#answering.accept(offers, tasks, options)
  }

  decline(offers: readonly (OfferId | Offered)[], options?: DeclineOptions): Promise<Outcome> {
    return this.#answering.decline(offers, options)
  }

  queue(): TaskQueue {
    return this.#answering.queue()
  }

  kill(taskId: string, options: KillOptions = {}): void {
    requireGood('kill', { ...options, taskId }, { taskId: TASK_ID, graceMs: GRACE })
    const { graceMs } = options
    const how = graceMs === undefined ? {} : { graceMs }
    this.#running.input({ kind: 'framework.kill', taskId: taskId as TaskId, ...how })
  }

  suppress(roles?: readonly string[]): void {
    this.#offers.suppress(this.#ownRoles('suppress', roles))
  }

  revive(roles?: readonly string[]): void {
    this.#offers.revive(this.#ownRoles('revive', roles))
  }

  async update(changes: FrameworkUpdate): Promise<Outcome> {
    const given = changesOf(changes)
    const outcome = await this.#asks.make((ask) =>
      this.#running.input({ kind: 'framework.update', ask, changes: given }),
    )
    if (outcome.outcome === 'done') this.#offers.rolesChanged()
    if (outcome.outcome === 'refused' && isBadOption(outcome.refusal))
      throw badOption(`update: ${outcome.refusal.message}`)
    return outcome
  }

  explain(): Promise<OwnExplanation | undefined> {
    return askWhy(this.#deps)
  }

  reconcile(): void {
    this.#running.input({ kind: 'framework.reconcile' })
  }

  readOutput(options: OutputOptions): AsyncGenerator<OutputPiece, void> {
    requireGood('readOutput', options, OUTPUT_RULES)
    const { taskId, agentId, stream = 'stdout', offset = 0 } = options
    const wish = { taskId: taskId as TaskId, agentId: agentId as AgentId | undefined }
    return this.#output.read({ ...wish, stream, offset }, (wanted) => this.#agentOf(wanted))
  }

  async teardown(): Promise<Outcome> {
    const outcome = await this.#asks.make((ask) =>
      this.#running.input({ kind: 'framework.teardown', ask }),
    )
    await this.close()
    return outcome
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { messenger } = this.#deps
    await this.#running.close()
    this.#over(undefined)
    messenger.close()
    await messenger.bus.close()
  }

  #handlers(): Handlers {
    return {
      subscribed: () => {
        this.#isOpen = true
        this.#tellAnswered()
        this.#tellSubscribed()
        // What comes in the same breath, of tasks of an earlier process, waits for who listens.
        this.#deps.clock.soon(() => this.#statuses.open())
      },
      standing: (standing, message) => {
        this.#tellAnswered()
        this.#deps.onStanding(standing, message)
      },
      offers: (offers) =>
        this.#offers.push(offers.map((offer) => new HandedOffer(offer, this.#answering))),
      // Dead offers are passed over when their turn to be read comes.
      rescinded: () => undefined,
      status: (status) => this.#statuses.tell(status),
      letGo: (taskId) => this.#statuses.letGo(taskId),
      failure: (agentId) => {
        for (const handle of this.#failureHandlers) handle(agentId)
      },
      output: (request, piece) => this.#output.tell(request, piece),
      settled: (ask, outcome) => this.#asks.settle(ask, outcome),
      ended: (reason) => {
        this.#over(reason && endedBy(reason, this.#isOpen))
        // Nothing more can come: whoever only has handlers need not keep the process for it.
        void this.close()
      },
    }
  }

  #ownRoles(where: string, roles: readonly string[] | undefined): readonly string[] {
    const own = this.#roles
    requireGood(where, { roles }, { roles: SOME_ROLES })
    return roles === undefined ? own : own.filter((role) => roles.includes(role))
  }

  get #roles(): readonly string[] {
    return this.#state.settings.roles
  }

  #agentOf(taskId: TaskId): AgentId | undefined {
    return (this.#state.tasks.get(taskId) ?? this.#state.ended.get(taskId))?.agentId
  }

  #over(error: ClusterError | undefined): void {
    this.#end(error)
    this.#offers.end(error)
    this.#statuses.end(error)
    this.#output.end(error?.message ?? CLOSED)
    this.#asks.end()
  }
}

function endedBy(reason: EndReason, isOpen: boolean): ClusterError {
  const { name, message } = reason
  if (!isOpen && isBadOption(reason)) return badOption(`openScheduler: ${message}`)
  return new ClusterError('scheduler/ended', 'never', `${name}: ${message}`)
}

/** The author's mistake, which the leader alone could see: an expression that is none, say. */
const isBadOption = ({ name }: Pick<EndReason, 'name'>): boolean =>
  name === 'invalid' || name === 'too-large'
