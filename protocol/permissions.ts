/**
 * What each user of a NATS server with credentials may say and hear, from the routes alone.
 *
 * What is not named here is refused by the server. Rights on stores are added by who knows how NATS
 * keeps them: `bus/nats/store-rights.ts`.
 */
import type { AgentId, FrameworkId, MasterId, Principal } from './ids.ts'
import {
  acknowledgements,
  agentOrders,
  agentReports,
  allEvents,
  allocatorFigures,
  allocatorReports,
  allUpdates,
  clusterEvents,
  frameworkCall,
  frameworkEvents,
  frameworkInbox,
  frameworkWorldEvents,
  inboxesOf,
  inboxOf,
  leaderBeat,
  operatorCall,
  peerBeat,
  sandboxesFound,
  sandboxPieces,
  sandboxQuestions,
  shadowReports,
  statusUpdates,
  taskOutput,
  taskUsage,
} from './subjects.ts'

/** Whom NATS credentials are for. */
export type User =
  | { readonly kind: 'agent'; readonly agentId: AgentId }
  /** Without `frameworkId`: every framework of the principal. Nothing is read out of an id. */
  | {
      readonly kind: 'framework'
      readonly principal: Principal
      readonly frameworkId?: FrameworkId
    }
  | { readonly kind: 'operator'; readonly principal: Principal }
  | { readonly kind: 'observer'; readonly name: string }
  | { readonly kind: 'master'; readonly masterId: MasterId }
  | { readonly kind: 'allocator'; readonly name: string }

export type UserKind = User['kind']

/** Allow lists of NATS subjects, with its wildcards. Everything else is denied. */
export interface Permissions {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
}

/**
 * Agents and allocators have no inbox: they ask nobody. Of who asks, each hears only its own, so
 * that nobody reads another's answers.
 */
export function permissionsOf(cluster: string, user: User): Permissions {
  switch (user.kind) {
    case 'agent':
      return agentPermissions(cluster, user.agentId)
    case 'framework':
      return frameworkPermissions(cluster, user)
    case 'operator': {
      const { principal } = user
      return {
        publish: [operatorCall.on({ cluster, principal })],
        subscribe: [
          taskOutput.on({ cluster }),
          sandboxPieces.on({ cluster }),
          sandboxesFound.on({ cluster }),
          taskUsage.on({ cluster }),
          shadowReports.on({ cluster }),
          below(inboxOf(cluster, 'operator', principal)),
        ],
      }
    }
    case 'observer':
      return {
        publish: [],
        subscribe: [
          allEvents(cluster),
          allUpdates(cluster),
          shadowReports.on({ cluster }),
          below(inboxOf(cluster, 'observer', user.name)),
        ],
      }
    case 'master':
      return masterPermissions(cluster, user.masterId)
    case 'allocator':
      return {
        publish: [allocatorReports.on({ cluster }), shadowReports.on({ cluster })],
        // A shadow hears what the allocator says.
        subscribe: [
          leaderBeat.on({ cluster }),
          allocatorFigures.on({ cluster }),
          allocatorReports.on({ cluster }),
        ],
      }
  }
}

const below = (inbox: string): string => `${inbox}.>`

function agentPermissions(cluster: string, agentId: AgentId): Permissions {
  return {
    publish: [
      agentReports.on({ cluster, agentId }),
      statusUpdates.on({ cluster, agentId }),
      taskOutput.on({ cluster, agentId }),
      sandboxPieces.on({ cluster, agentId }),
      sandboxesFound.on({ cluster, agentId }),
      taskUsage.on({ cluster, agentId }),
    ],
    subscribe: [
      leaderBeat.on({ cluster }),
      sandboxQuestions.on({ cluster }),
      agentOrders.on({ cluster, agentId }),
      acknowledgements.on({ cluster, agentId }),
    ],
  }
}

function frameworkPermissions(
  cluster: string,
  { principal, frameworkId }: Extract<User, { kind: 'framework' }>,
): Permissions {
  const ids = { cluster, principal, ...(frameworkId !== undefined && { frameworkId }) }
  const inbox =
    frameworkId === undefined
      ? inboxOf(cluster, 'framework', principal)
      : frameworkInbox({ cluster, principal, frameworkId })
  return {
    publish: [frameworkCall.on(ids), acknowledgements.on(ids)],
    subscribe: [
      leaderBeat.on({ cluster }),
      frameworkEvents.on(ids),
      statusUpdates.on(ids),
      taskOutput.on(ids),
      below(inbox),
    ],
  }
}

/** Masters stand in for each other, so each hears and says all that a leader does. */
function masterPermissions(cluster: string, masterId: MasterId): Permissions {
  return {
    publish: [
      leaderBeat.on({ cluster }),
      peerBeat.on({ cluster, masterId }),
      agentOrders.on({ cluster }),
      sandboxQuestions.on({ cluster }),
      frameworkEvents.on({ cluster }),
      allocatorFigures.on({ cluster }),
      clusterEvents.on({ cluster }),
      frameworkWorldEvents.on({ cluster }),
      inboxesOf(cluster, 'framework'),
      inboxesOf(cluster, 'operator'),
    ],
    subscribe: [
      leaderBeat.on({ cluster }),
      peerBeat.on({ cluster }),
      agentReports.on({ cluster }),
      statusUpdates.on({ cluster }),
      allocatorReports.on({ cluster }),
      frameworkCall.on({ cluster }),
      operatorCall.on({ cluster }),
      below(inboxOf(cluster, 'master', masterId)),
    ],
  }
}
