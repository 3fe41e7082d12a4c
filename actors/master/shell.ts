/** The master as it runs: messages in, core in the middle, effects out. The only I/O is here. */
import { createHash } from 'node:crypto'
import type { Subscription } from '../../bus/bus.ts'
import type { Clock } from '../../bus/clock.ts'
import type { Messenger } from '../../bus/messenger.ts'
import type { RefusalName } from '../../protocol/errors.ts'
import { type FrameworkKey, frameworkKey, type MasterId, type RunId } from '../../protocol/ids.ts'
import type { Subscribe } from '../../protocol/schema/calls.ts'
import {
  agentOrders,
  agentReports,
  allocatorFigures,
  allocatorReports,
  clusterEvents,
  frameworkCall,
  frameworkEvents,
  frameworkInbox,
  frameworkWorldEvents,
  inboxOf,
  leaderBeat,
  operatorCall,
  peerBeat,
  sandboxQuestions,
  statusUpdates,
} from '../../protocol/subjects.ts'
import { runActor } from '../kit/run-actor.ts'
import type { CallAdmission } from '../parts/admission.ts'
import type { CopyStore } from './copy-file.ts'
import { masterCore, newMaster } from './core.ts'
import { performOnDisk } from './disk.ts'
import type { Effect } from './effects.ts'
import type { EpochStore } from './epoch-file.ts'
import type { FrameworkCall } from './frameworks/calls.ts'
import type { Input } from './inputs.ts'
import type { OperatorCall } from './operator.ts'
import type { MasterRules, MasterState } from './state.ts'
import { performOnStore, type Stores, trimLog } from './stores.ts'

export interface MasterDeps {
  readonly cluster: string
  readonly masterId: MasterId
  readonly run: RunId
  readonly rules: MasterRules
  readonly clock: Clock
  /** One connection each, so that a flood on one does not cost the lease. */
  readonly control: Messenger
  readonly agents: Messenger
  readonly frameworks: Messenger
  readonly operators: Messenger
  readonly stores: Stores
  readonly epochs: EpochStore
  readonly copy: CopyStore
  readonly onLog: (entry: Extract<Effect, { do: 'log' }>) => void
  /** How often whom is listened to. */
  readonly admission: CallAdmission
}

export interface OpenMaster {
  /** For those who look on: simulations and tests. */
  readonly state: MasterState
  /** One of its connections has refused a message: for its report. */
  refused(name: RefusalName): void
  /** Gives the lease back, if this master holds it. */
  resign(): void
  close(): void
}

/** Runs a master on open connections, which stay the caller's. */
export function openMaster(deps: MasterDeps): OpenMaster {
  const { cluster, masterId, run, rules, clock, control, epochs } = deps
  const saved = deps.copy.read()
  const state = newMaster({ masterId, run, rules, highestEpoch: epochs.read(), saved })
  let listening: readonly Subscription[] = []
  const perform = (effect: Effect): void => {
    switch (effect.do) {
      case 'read-lease':
      case 'write-lease':
      case 'read-registry':
      case 'append-registry':
        return void performOnStore(deps.stores, effect).then(actor.input)
      case 'trim-registry':
        return void trimLog(deps.stores, effect.below)
      case 'save-copy':
      case 'save-epoch':
        return performOnDisk(deps, effect, actor.input)
      case 'listen':
        listening = listen(deps, actor.input)
        return void settled(deps).then(() =>
          actor.input({ kind: 'listening', epoch: effect.epoch }),
        )
      case 'stop-listening':
        return stopListening()
      case 'log':
        return deps.onLog(effect)
      default:
        return send(deps, effect)
    }
  }
  const stopListening = (): void => {
    for (const subscription of listening) subscription.close()
    listening = []
  }
  const actor = runActor({ core: masterCore, state, clock, perform })
  // Of a flood the core hears once in a turn.
  const unsaid = new Map<RefusalName, number>()
  const refused = (name: RefusalName): void => {
    if (unsaid.size === 0) clock.soon(sayRefused)
    unsaid.set(name, (unsaid.get(name) ?? 0) + 1)
  }
  const sayRefused = (): void => {
    for (const [name, count] of unsaid) actor.input({ kind: 'refused', name, count })
    unsaid.clear()
  }
  const always = [
    control.listen(peerBeat, { cluster }, (body, { masterId }) =>
      actor.input({ kind: 'peer-beat', masterId, body }),
    ),
    control.listen(leaderBeat, { cluster }, (body) =>
      actor.input({ kind: 'leader-beat', body, connection: 'control' }),
    ),
    control.bus.onState((connection) => {
      if (connection === 'connected') actor.input({ kind: 'bus.connected' })
    }),
  ]
  return {
    state,
    refused,
    resign: () => actor.input({ kind: 'resign' }),
    close() {
      actor.stop()
      stopListening()
      for (const subscription of always) subscription.close()
    },
  }
}

type Take = (input: Input) => void

/** Whoever calls from now on is heard. A lost connection is no obstacle: it is lost for all. */
async function settled({ agents, frameworks, operators }: MasterDeps): Promise<void> {
  await Promise.allSettled([agents, frameworks, operators].map(({ bus }) => bus.flush()))
}

function listen(deps: MasterDeps, take: Take): readonly Subscription[] {
  const { cluster, agents, frameworks, operators, clock, admission } = deps
  return [
    agents.listen(leaderBeat, { cluster }, (body) =>
      take({ kind: 'leader-beat', body, connection: 'agents' }),
    ),
    frameworks.listen(leaderBeat, { cluster }, (body) =>
      take({ kind: 'leader-beat', body, connection: 'frameworks' }),
    ),
    agents.listen(agentReports, { cluster }, (body, { agentId }) =>
      take({ kind: 'agent-reports', agentId, body }),
    ),
    agents.listen(statusUpdates, { cluster }, (body, ids) =>
      take({ kind: 'status-updates', framework: ids, agentId: ids.agentId, body }),
    ),
    agents.listen(allocatorReports, { cluster }, (body) =>
      take({ kind: 'allocator-reports', body }),
    ),
    frameworks.serve(
      frameworkCall,
      { cluster },
      {
        inboxOf: frameworkInbox,
        admit: (ids, bytes) => admission.framework(ids, bytes, clock.now().monotonicMs),
        handle(body, ids, { reply, bytes }) {
          const call = hashed({ verb: ids.verb, body, bytes } as Spoken, ids)
          take({ kind: 'framework-call', framework: ids, call, reply })
        },
      },
    ),
    operators.serve(
      operatorCall,
      { cluster },
      {
        inboxOf: ({ principal }) => inboxOf(cluster, 'operator', principal),
        admit: ({ principal }, bytes) =>
          admission.operator(principal, bytes, clock.now().monotonicMs),
        handle(body, { principal, verb }, { reply }) {
          take({ kind: 'operator-call', principal, call: { verb, body } as OperatorCall, reply })
        },
      },
    ),
  ]
}

/** A framework's call as it was spoken: subscribe with its secret. */
type Spoken =
  | Exclude<FrameworkCall, { verb: 'subscribe' }>
  | { readonly verb: 'subscribe'; readonly body: Subscribe }

/** The secret ends here: only its hash is kept, and differs for each framework. */
function hashed(call: Spoken, key: FrameworkKey): FrameworkCall {
  if (call.verb !== 'subscribe') return call
  const { secret, ...body } = call.body
  const secretHash = createHash('sha256')
    .update(`${frameworkKey(key)} ${secret}`)
    .digest('hex')
  return { verb: 'subscribe', body: { ...body, secretHash } }
}

type Sent = Exclude<
  Effect,
  {
    do:
      | 'read-lease'
      | 'write-lease'
      | 'read-registry'
      | 'append-registry'
      | 'trim-registry'
      | 'save-copy'
      | 'save-epoch'
      | 'listen'
      | 'stop-listening'
      | 'log'
  }
>

function send(deps: MasterDeps, effect: Sent): void {
  const { cluster, masterId, control, agents, frameworks, operators } = deps
  switch (effect.do) {
    case 'send-orders':
      return agents.send(agentOrders, { cluster, agentId: effect.agentId }, effect.body)
    case 'ask-agents':
      return agents.send(sandboxQuestions, { cluster }, effect.body)
    case 'send-events': {
      const { principal, frameworkId, body } = effect
      return frameworks.send(frameworkEvents, { cluster, principal, frameworkId }, body)
    }
    case 'send-figures':
      return agents.send(allocatorFigures, { cluster }, effect.body)
    case 'send-leader-beat':
      return agents.send(leaderBeat, { cluster }, effect.body)
    case 'send-peer-beat':
      return control.send(peerBeat, { cluster, masterId }, effect.body)
    case 'send-public': {
      const { kind, what, framework } = effect.subject
      if (framework === undefined) {
        return operators.send(clusterEvents, { cluster, kind, what }, effect.body)
      }
      const { principal, frameworkId } = framework
      return operators.send(
        frameworkWorldEvents,
        { cluster, kind, what, principal, frameworkId },
        effect.body,
      )
    }
    case 'answer':
      return frameworks.answer({ subject: '', reply: effect.reply }, effect.body)
    case 'refuse':
      return frameworks.refuse({ subject: '', reply: effect.reply }, effect.refusal)
  }
}
