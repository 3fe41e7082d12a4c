/** Starts a master on connections of its own. */
import type { BusSystem, HistoryLimits } from '../../bus/bus.ts'
import type { Clock } from '../../bus/clock.ts'
import { type Messenger, type MessengerDeps, openMessenger } from '../../bus/messenger.ts'
import type { RandomToken } from '../../bus/random.ts'
import type { Refusal } from '../../protocol/errors.ts'
import type { MasterId, RunId } from '../../protocol/ids.ts'
import {
  AGENT_PING_MS,
  AGENT_PINGS_MISSED_MAX,
  AGENT_REMOVALS_MIN,
  AGENT_REMOVALS_MS,
  AGENT_REMOVALS_PART,
  FRAMEWORK_PING_MS,
  FRAMEWORK_PINGS_MISSED_MAX,
  LEASE_MS,
  MIN_ALLOCATABLE,
  OFFER_TIMEOUT_MS,
  PEERS_WAIT_MS,
  REREGISTER_MS,
} from '../../protocol/limits.ts'
import { inboxOf, leaseBucket, registryLog } from '../../protocol/subjects.ts'
import { CallAdmission, type CallRates, DEFAULT_CALL_RATES } from '../parts/admission.ts'
import type { RemovalLimit } from './agents/membership.ts'
import type { CopyStore } from './copy-file.ts'
import type { EpochStore } from './epoch-file.ts'
import { type KeptEvents, keepEvents } from './kept-events.ts'
import { type MasterDeps, type OpenMaster, openMaster } from './shell.ts'
import type { MasterRules, MasterState } from './state.ts'

const DEFAULT_REMOVALS: RemovalLimit = {
  perMs: AGENT_REMOVALS_MS,
  part: AGENT_REMOVALS_PART,
  least: AGENT_REMOVALS_MIN,
}

export const DEFAULT_RULES: MasterRules = {
  leaseMs: LEASE_MS,
  agentPingMs: AGENT_PING_MS,
  agentPingsMissedMax: AGENT_PINGS_MISSED_MAX,
  reregisterMs: REREGISTER_MS,
  agentRemovals: DEFAULT_REMOVALS,
  frameworkPingMs: FRAMEWORK_PING_MS,
  frameworkPingsMissedMax: FRAMEWORK_PINGS_MISSED_MAX,
  offerTimeoutMs: OFFER_TIMEOUT_MS,
  minAllocatable: MIN_ALLOCATABLE,
  peersWaitMs: PEERS_WAIT_MS,
  region: undefined,
}

export interface MasterOptions {
  readonly cluster: string
  readonly masterId: MasterId
  /** What is left out has its default. */
  readonly rules?: Partial<MasterRules>
  /** How many public events are kept, if an operator wants it otherwise than it is. */
  readonly events?: Partial<HistoryLimits>
  readonly system: BusSystem
  readonly clock: Clock
  readonly randomToken: RandomToken
  readonly epochs: EpochStore
  /** This master's copy of the registry. */
  readonly copy: CopyStore
  /** The bus knows no credentials: answers may go to any inbox. */
  readonly isOpen: boolean
  readonly onLog: MasterDeps['onLog']
  readonly onRefused: MessengerDeps['onRefused']
  /** What is left out has its default. */
  readonly rates?: Partial<CallRates>
}

export interface RunningMaster {
  /** For those who look on: simulations and tests. */
  readonly state: MasterState
  /** Gives the lease back and ends. Idempotent. */
  stop(): Promise<void>
  /** Ends as a crash does: nothing is given back, nothing more is said. */
  kill(): void
}

/** @throws {ClusterError} when there is no bus to connect to, or its stores do not answer. */
export async function startMaster(options: MasterOptions): Promise<RunningMaster> {
  const opened: Messenger[] = []
  let running: OpenMaster | undefined
  let kept: KeptEvents | undefined
  const onRefused: MessengerDeps['onRefused'] = (subject, refused, message) => {
    running?.refused(refused.name)
    options.onRefused(subject, refused, message)
  }
  const closeAll = async (): Promise<void> => {
    kept?.stop()
    for (const messenger of opened.splice(0)) {
      messenger.close()
      await messenger.bus.close()
    }
  }
  try {
    const deps = await connect({ ...options, onRefused }, opened)
    const { cluster, clock, operators, onLog } = deps
    const { system, events: chosen = {} } = options
    kept = keepEvents({ cluster, system, bus: operators.bus, clock, chosen, onLog })
    // The first event is that this master leads: it should be kept, too.
    await kept.tried
    const master = openMaster(deps)
    running = master
    return {
      state: master.state,
      async stop() {
        master.resign()
        await Promise.allSettled(opened.map(({ bus }) => bus.flush()))
        master.close()
        await closeAll()
      },
      kill() {
        master.close()
        void closeAll()
      },
    }
  } catch (error) {
    // A connection that is left open dials for ever.
    await closeAll()
    throw error
  }
}

/** Opens all that a master needs; `opened` holds the connections, also when it throws. */
async function connect(options: MasterOptions, opened: Messenger[]): Promise<MasterDeps> {
  const { cluster, masterId, system, clock, randomToken, isOpen, epochs, copy } = options
  const { onLog, onRefused } = options
  const open = async (what: string): Promise<Messenger> => {
    const name = `${cluster} master ${masterId} ${what}`
    const inbox = inboxOf(cluster, 'master', `${masterId}.${what}`)
    const bus = await system.connect({ name, inbox })
    const messenger = openMessenger({ bus, clock, randomToken, isOpen, onRefused })
    opened.push(messenger)
    return messenger
  }
  const run = randomToken(64) as RunId
  const control = await open('control')
  const agents = await open('agents')
  const frameworks = await open('frameworks')
  const operators = await open('operators')
  const stores = {
    lease: await system.keyValue(control.bus, leaseBucket(cluster)),
    registry: await system.log(control.bus, registryLog(cluster)),
    onUnreadable: (name: string, refused: Refusal) =>
      onRefused(name, refused, { subject: name, payload: new Uint8Array() }),
  }
  const rules = { ...DEFAULT_RULES, ...options.rules }
  const admission = new CallAdmission({ ...DEFAULT_CALL_RATES, ...options.rates })
  const connections = { control, agents, frameworks, operators }
  return {
    cluster,
    masterId,
    run,
    rules,
    clock,
    ...connections,
    stores,
    epochs,
    copy,
    onLog,
    admission,
  }
}
