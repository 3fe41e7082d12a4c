/** A scheduler as it runs: messages and commands in, the core in the middle, its effects out. */
import type { Clock } from '../../bus/clock.ts'
import type { Messenger } from '../../bus/messenger.ts'
import { RefusedError } from '../../bus/service.ts'
import { check } from '../../protocol/check.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type {
  AgentId,
  FrameworkId,
  OfferId,
  Principal,
  SessionId,
  TaskId,
} from '../../protocol/ids.ts'
import { CALL_TIMEOUT_MS } from '../../protocol/limits.ts'
import type { TaskStatus } from '../../protocol/schema/common.ts'
import type { OwnExplanation } from '../../protocol/schema/explain.ts'
import type { Offer } from '../../protocol/schema/scheduler.ts'
import {
  acknowledgements,
  FRAMEWORK_ANSWERS,
  frameworkCall,
  frameworkEvents,
  leaderBeat,
  statusUpdates,
  taskOutput,
} from '../../protocol/subjects.ts'
import { type RunningActor, runActor } from '../kit/run-actor.ts'
import type { Standing } from './contract.ts'
import type { Outcome } from './contract-offers.ts'
import type { OutputPiece } from './contract-statuses.ts'
import { schedulerCore } from './core.ts'
import type { Effect, EndReason } from './effects.ts'
import type { Ask, Input } from './inputs.ts'
import type { SchedulerState } from './state.ts'
import { seenKey } from './tasks.ts'

/** What a framework wants to hear. Handlers run to their end before the next one does. */
export interface Handlers {
  subscribed(): void
  standing?(standing: Standing, message: string): void
  offers(offers: readonly Offer[]): void
  rescinded(offers: readonly OfferId[], reason: string): void
  /** The status is acknowledged when this returns, or what it returns is fulfilled. */
  status(status: TaskStatus): void | Promise<void>
  /** Nobody knows the task: nothing more comes of it, unless its agent comes back with it. */
  letGo?(taskId: TaskId): void
  failure(agentId: AgentId): void
  output(request: SessionId, piece: OutputPiece): void
  settled(ask: Ask, outcome: Outcome): void
  ended(reason: EndReason | undefined): void
}

export interface SchedulerDeps {
  readonly cluster: string
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  /** Made by `newScheduler`; this scheduler's alone from now on. */
  readonly state: SchedulerState
  readonly messenger: Messenger
  readonly clock: Clock
  readonly handlers: Handlers
}

export interface RunningScheduler {
  input(input: Input): void
  /** Says what there is to say, then nothing more; the connection stays the caller's. */
  close(): Promise<void>
}

/** Runs a scheduler on an open connection. */
export function startScheduler(deps: SchedulerDeps): RunningScheduler {
  const { cluster, principal, frameworkId, state, messenger, clock } = deps
  const ids = { cluster, principal, frameworkId }
  const actor: RunningActor<Input> = runActor({
    core: schedulerCore,
    state,
    clock,
    perform: (effect) => perform(deps, actor, effect),
  })
  const open = [
    messenger.listen(leaderBeat, { cluster }, (beat) => actor.input({ kind: 'leader.beat', beat })),
    messenger.listen(frameworkEvents, ids, (message) =>
      actor.input({ kind: 'leader.events', message }),
    ),
    messenger.listen(statusUpdates, ids, (message, { agentId }) =>
      actor.input({ kind: 'agent.statuses', agentId, message }),
    ),
    messenger.listen(taskOutput, ids, (message, { agentId }) =>
      actor.input({ kind: 'agent.output', agentId, message }),
    ),
    messenger.bus.onState((connection) => {
      if (connection === 'connected') actor.input({ kind: 'bus.connected' })
    }),
  ]
  actor.input({ kind: 'start' })
  return {
    input: (input) => actor.input(input),
    async close() {
      actor.input({ kind: 'framework.leave' })
      await actor.finish()
      for (const subscription of open) subscription.close()
    },
  }
}

function perform(deps: SchedulerDeps, actor: RunningActor<Input>, effect: Effect): void {
  const { cluster, principal, frameworkId, messenger, handlers } = deps
  switch (effect.do) {
    case 'call':
      return void call(deps, actor, effect)
    case 'send': {
      const to = { cluster, principal, frameworkId, verb: effect.verb }
      return messenger.send(frameworkCall, to, effect.body)
    }
    case 'acknowledge': {
      const to = { cluster, principal, frameworkId, agentId: effect.agentId }
      return messenger.send(acknowledgements, to, effect.body)
    }
    case 'echo':
      return void messenger.bus.flush().then(
        () => actor.input({ kind: 'bus.echoed' }),
        () => actor.input({ kind: 'bus.silent' }),
      )
    case 'tell-subscribed':
      return handlers.subscribed()
    case 'tell-standing':
      return handlers.standing?.(effect.standing, effect.message)
    case 'tell-offers':
      return handlers.offers(effect.offers)
    case 'tell-rescinded':
      return handlers.rescinded(effect.offers, effect.reason)
    case 'tell-statuses':
      return tellStatuses(handlers, actor, effect.statuses)
    case 'tell-let-go':
      return handlers.letGo?.(effect.taskId)
    case 'tell-failure':
      return handlers.failure(effect.agentId)
    case 'tell-output':
      return handlers.output(effect.request, effect.piece)
    case 'settle':
      return handlers.settled(effect.ask, effect.outcome)
    case 'end':
      return handlers.ended(effect.reason)
    default:
      return effect satisfies never
  }
}

function tellStatuses(
  handlers: Handlers,
  actor: RunningActor<Input>,
  statuses: readonly TaskStatus[],
): void {
  const seen: string[] = []
  for (const status of statuses) {
    const key = seenKey(status)
    const handled = handlers.status(status)
    if (key === undefined) continue
    if (handled === undefined) seen.push(key)
    else void handled.then(() => actor.input({ kind: 'framework.seen', keys: [key] }))
  }
  if (seen.length > 0) actor.input({ kind: 'framework.seen', keys: seen })
}

/** Asked once, outside of the session: an answer that is lost is no harm. */
export async function askWhy({
  messenger,
  ...ids
}: Pick<SchedulerDeps, 'cluster' | 'principal' | 'frameworkId' | 'messenger'>): Promise<
  OwnExplanation | undefined
> {
  const { cluster, principal, frameworkId } = ids
  const to = { cluster, principal, frameworkId, verb: 'explain' } as const
  try {
    const answered = await messenger.call(frameworkCall, to, {
      body: {},
      timeoutMs: CALL_TIMEOUT_MS,
    })
    const checked = check(FRAMEWORK_ANSWERS.explain, answered)
    return checked.ok ? checked.value : undefined
  } catch (error) {
    if (error instanceof ClusterError) return undefined
    throw error
  }
}

async function call(
  { cluster, principal, frameworkId, messenger }: SchedulerDeps,
  actor: RunningActor<Input>,
  { verb, body, key, timeoutMs }: Extract<Effect, { do: 'call' }>,
): Promise<void> {
  const to = { cluster, principal, frameworkId, verb }
  try {
    const answered = await messenger.call(frameworkCall, to, { body, timeoutMs })
    const checked = verb === 'accept' ? check(FRAMEWORK_ANSWERS.accept, answered) : undefined
    const notLaunched = checked?.ok ? checked.value.notLaunched : undefined
    actor.input({ kind: 'leader.answered', key, ...(notLaunched && { notLaunched }) })
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    // Without an answer the core's own deadline decides what is done again.
    if (error instanceof RefusedError)
      actor.input({ kind: 'leader.answered', key, refusal: error.refusal })
    else if (error.code === 'bus/no-responders') actor.input({ kind: 'leader.unheard', key })
  }
}
