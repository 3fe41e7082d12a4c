/**
 * The framework's side of a cluster, as a library: it subscribes and stays subscribed over changes
 * of the leader, hands over offers and statuses, acknowledges and reconciles. This file is the
 * door: what it exports is what frameworks may use.
 */
import { systemClock } from '../../bus/clock.ts'
import { openMessenger } from '../../bus/messenger.ts'
import { watchForbidden } from '../../bus/nats/forbidden.ts'
import {
  CLUSTER_DEFAULT,
  type LocatedCluster,
  locateCluster,
} from '../../bus/nats/locate-cluster.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { randomToken } from '../../bus/random.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { frameworkInbox, leaderBeat } from '../../protocol/subjects.ts'
import { type RefusalsTold, tellOfRefusals } from '../kit/refusals.ts'
import type { Scheduler } from './contract.ts'
import { Library } from './library.ts'
import { identify, requireOptions, type SchedulerOptions, type World } from './options.ts'

export { ClusterError, type Refusal } from '../../protocol/errors.ts'
export type { AgentId, FrameworkId, OfferId, Principal, TaskId } from '../../protocol/ids.ts'
export type { Capability } from '../../protocol/schema/common.ts'
export { isTerminal, type TaskState } from '../../protocol/task-state.ts'
export type { KillOptions, Listening, Scheduler, Standing } from './contract.ts'
export type {
  Accepted,
  AnswerOptions,
  DeclineOptions,
  NotLaunched,
  OfferAttribute,
  Offered,
  Outcome,
  ResourceWish,
  TaskGroup,
  TaskWish,
} from './contract-offers.ts'
export type {
  Answered,
  Placement,
  Preference,
  Queued,
  QueuedTask,
  TaskQueue,
} from './contract-queue.ts'
export type { OutputOptions, OutputPiece, StatusHandler, TaskStatus } from './contract-statuses.ts'
export type { FrameworkUpdate, OfferConstraint, OfferTerms } from './contract-terms.ts'
export type { NatsServers, SchedulerOptions, World } from './options.ts'

const OPEN_TIMEOUT_MS = 15_000

/**
 * Connects and subscribes. Resolves when the leader has confirmed; with `standby`, when this
 * instance leads.
 *
 * @throws {ClusterError} `scheduler/option`: one of them is no good, as the library sees or the
 * leader says. `bus/no-cluster`: nobody has said where one is, and no `bourse dev` runs here.
 * `bus/nats-url`, `bus/nats-context`, `bus/no-server`, `bus/no-access`, `bus/credentials`,
 * `bus/unfit-server`. `bus/forbidden`: the server does not let this principal speak.
 * `scheduler/no-leader`: none has answered in time. `scheduler/aborted`: `signal` has called it
 * off. `scheduler/ended`: the leader refuses the framework, and says why.
 */
export async function openScheduler(given: SchedulerOptions): Promise<Scheduler> {
  requireOptions(given)
  const options = withPrincipal(given)
  requireOptions(options)
  const { openTimeoutMs = OPEN_TIMEOUT_MS, onFault = () => undefined, signal } = options
  if (signal?.aborted) throw abortedBy(signal)
  const { cluster, world, forbidden } = locate(options)
  const { system, clock, randomToken } = world
  const identity = { cluster, ...identify(options, randomToken) }
  const bus = await system.connect({
    name: `framework-${identity.frameworkId}`,
    inbox: frameworkInbox(identity),
  })
  const messenger = openMessenger({
    bus,
    clock,
    randomToken,
    isOpen: false,
    onRefused: tellOfRefusals(clock, (told) => onFault(badMessage(told))),
  })
  const scheduler = new Library({
    ...identity,
    messenger,
    clock,
    randomToken,
    onStanding: options.onStanding ?? (() => undefined),
  })
  try {
    const subscribed = scheduler.subscribed(openTimeoutMs)
    const opening = forbidden === undefined ? subscribed : Promise.race([subscribed, forbidden])
    await (signal === undefined ? opening : unlessAborted(opening, signal))
  } catch (error) {
    await scheduler.close()
    throw error
  }
  return scheduler
}

/** The signal may live for long: it is let go of. */
async function unlessAborted(opening: Promise<void>, signal: AbortSignal): Promise<void> {
  let abort = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(abortedBy(signal))
  })
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  try {
    await Promise.race([opening, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

const abortedBy = ({ reason }: AbortSignal): ClusterError =>
  new ClusterError('scheduler/aborted', 'never', 'the opening was called off', { cause: reason })

/** A flood is told of once a second. */
function badMessage({ subject, refusal: { name, message }, counts }: RefusalsTold): ClusterError {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const which = all > 1 ? ` (the last of ${all})` : ''
  return new ClusterError(
    'scheduler/bad-message',
    'never',
    `${subject}: ${name}: ${message}${which}`,
  )
}

/** Who speaks is said where NATS is: by the environment, unless the program says it. */
function withPrincipal(options: SchedulerOptions): SchedulerOptions {
  const principal = process.env['BOURSE_PRINCIPAL']
  const isSaid = options.world !== undefined || options.principal !== undefined
  return isSaid || !principal ? options : { ...options, principal }
}

interface Located {
  readonly cluster: string
  readonly world: World
  /** Rejects when the server forbids something. */
  readonly forbidden?: Promise<never>
}

function locate(options: SchedulerOptions): Located {
  const { world, onFault, cluster = CLUSTER_DEFAULT } = options
  if (world !== undefined) return { cluster, world }
  const found = locateOnNats(options)
  const watch = watchForbidden(onFault)
  const leaderOn = leaderBeat.on({ cluster: found.cluster })
  const system = natsSystem({ location: found.location, leaderOn, onFault: watch.onFault })
  const onNats = { system, clock: systemClock, randomToken }
  return { cluster: found.cluster, world: onNats, forbidden: watch.forbidden }
}

function locateOnNats({ nats, cluster }: SchedulerOptions): LocatedCluster {
  if (typeof nats === 'object')
    return { location: { ...nats, source: 'nats' }, cluster: cluster ?? CLUSTER_DEFAULT }
  return locateCluster({ nats, cluster }, process.env)
}
