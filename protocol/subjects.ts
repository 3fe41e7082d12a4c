/** The only file in which a subject is spelled. */
import { route } from './route.ts'

/** leader → all: who leads. */
export const leaderBeat = route('{cluster}.leader', 'LeaderBeat')

/** master → masters. */
export const peerBeat = route('{cluster}.master.peer.{masterId}', 'PeerBeat')

/** The message of each verb that a framework may call. */
export const FRAMEWORK_VERBS = {
  subscribe: 'Subscribe',
  accept: 'Accept',
  decline: 'Decline',
  revive: 'Revive',
  suppress: 'Suppress',
  kill: 'KillTask',
  reconcile: 'Reconcile',
  pong: 'PongCall',
  teardown: 'Teardown',
  'read-output': 'ReadOutput',
  complain: 'ComplainCall',
} as const
export type FrameworkVerb = keyof typeof FRAMEWORK_VERBS

/** framework → leader. */
export const frameworkCall = route(
  '{cluster}.master.framework.{principal}.{frameworkId}.{verb}',
  FRAMEWORK_VERBS,
)

/** leader → framework. */
export const frameworkEvents = route(
  '{cluster}.framework.{principal}.{frameworkId}',
  'FrameworkEvents',
)

/** agent → leader. */
export const agentReports = route('{cluster}.master.agent.{agentId}', 'AgentReports')

/** leader → agent. */
export const agentOrders = route('{cluster}.agent.{agentId}', 'AgentOrders')

/** agent → framework, leader, whoever may listen. */
export const statusUpdates = route(
  '{cluster}.update.{principal}.{frameworkId}.{agentId}',
  'StatusUpdates',
)

/** framework → agent: the update's subject with `update` replaced. */
export const acknowledgements = route(
  '{cluster}.ack.{principal}.{frameworkId}.{agentId}',
  'Acknowledgements',
)

/** leader → allocator. */
export const allocatorFigures = route('{cluster}.allocator', 'AllocatorFigures')

/** allocator → leader. */
export const allocatorReports = route('{cluster}.master.allocator', 'AllocatorReports')

/** The message of each verb that an operator may call. */
export const OPERATOR_VERBS = {
  agents: 'Listing',
  frameworks: 'Listing',
  tasks: 'Listing',
  offers: 'Listing',
  master: 'AskMaster',
  kill: 'OperatorKill',
  teardown: 'OperatorTeardown',
  'read-output': 'OperatorReadOutput',
} as const
export type OperatorVerb = keyof typeof OPERATOR_VERBS

/** What answers each of an operator's verbs. */
export const OPERATOR_ANSWERS = {
  agents: 'AgentPage',
  frameworks: 'FrameworkPage',
  tasks: 'TaskPage',
  offers: 'OfferPage',
  master: 'MasterReport',
  kill: 'Done',
  teardown: 'Done',
  'read-output': 'Done',
} as const satisfies Record<OperatorVerb, string>

/** operator → leader. */
export const operatorCall = route('{cluster}.master.operator.{principal}.{verb}', OPERATOR_VERBS)

/** leader → the world: of agents and masters. */
export const clusterEvents = route('{cluster}.event.{kind}.{what}', 'PublicEvents')

/** leader → the world: of frameworks and tasks. */
export const frameworkWorldEvents = route(
  '{cluster}.event.{kind}.{principal}.{frameworkId}.{what}',
  'PublicEvents',
)

/** agent → the world, on demand. */
export const taskOutput = route('{cluster}.log.{agentId}.{principal}.{frameworkId}', 'Output')

/** The inbox prefixes of those who call: answers go nowhere else. */
export const frameworkInbox = (ids: {
  readonly cluster: string
  readonly principal: string
  readonly frameworkId: string
}): string => `_INBOX.${ids.cluster}.framework.${ids.principal}.${ids.frameworkId}`

export const inboxOf = (cluster: string, kind: string, id: string): string =>
  `_INBOX.${cluster}.${kind}.${id}`

/** Where there are no credentials, any inbox may be answered. */
export const BARE_INBOX = '_INBOX.'

/** The bucket of the leader lease and the log of the registry. Not subjects, but named alike. */
export const leaseBucket = (cluster: string): string => `${cluster}_lease`
export const LEASE_KEY = 'leader'
export const registryLog = (cluster: string): string => `${cluster}_registry`
