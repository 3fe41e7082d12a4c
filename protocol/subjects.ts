/** The only file in which a subject is spelled. */
import { route } from './route.ts'

/** leader → all: who leads. */
export const leaderBeat = route('{cluster}.leader', 'LeaderBeat')

/** master → masters. */
export const peerBeat = route('{cluster}.master.peer.{masterId}', 'PeerBeat')

/** The message of each verb that a framework may call. */
export const FRAMEWORK_VERBS = {
  subscribe: 'Subscribe',
  update: 'UpdateFramework',
  accept: 'Accept',
  decline: 'Decline',
  revive: 'Revive',
  suppress: 'Suppress',
  kill: 'KillTask',
  reconcile: 'Reconcile',
  pong: 'PongCall',
  'hand-over': 'HandOver',
  teardown: 'Teardown',
  'read-output': 'ReadOutput',
  complain: 'ComplainCall',
  explain: 'ExplainCall',
} as const
/** What answers a framework's verb, if it is done; all others are answered by an empty map. */
export const FRAMEWORK_ANSWERS = { accept: 'AcceptAnswer', explain: 'OwnExplanation' } as const
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

/** shadow → operators and observers: what it would have done. */
export const shadowReports = route('{cluster}.shadow.{shadowId}', 'ShadowReport')

/** The message of each verb that an operator may call. */
export const OPERATOR_VERBS = {
  agents: 'Listing',
  frameworks: 'Listing',
  tasks: 'Listing',
  offers: 'Listing',
  roles: 'Listing',
  master: 'AskMaster',
  kill: 'OperatorKill',
  teardown: 'OperatorTeardown',
  'mark-gone': 'MarkGone',
  'read-output': 'OperatorReadOutput',
  'read-sandbox': 'OperatorReadSandbox',
  'find-sandboxes': 'OperatorFindSandboxes',
  'read-usage': 'OperatorReadUsage',
  'set-quotas': 'SetQuotas',
  'set-weights': 'SetWeights',
  explain: 'Explain',
} as const
export type OperatorVerb = keyof typeof OPERATOR_VERBS

/** What answers each of an operator's verbs. */
export const OPERATOR_ANSWERS = {
  agents: 'AgentPage',
  frameworks: 'FrameworkPage',
  tasks: 'TaskPage',
  offers: 'OfferPage',
  roles: 'RolePage',
  master: 'MasterReport',
  kill: 'Done',
  teardown: 'Done',
  'mark-gone': 'Done',
  'read-output': 'Done',
  'read-sandbox': 'Done',
  'find-sandboxes': 'AgentsAsked',
  'read-usage': 'Done',
  'set-quotas': 'Done',
  'set-weights': 'Done',
  explain: 'Explanation',
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

/** What the subject of an event says. */
export interface EventIds {
  readonly kind: string
  readonly what: string
  readonly principal?: string
  readonly frameworkId?: string
}

/** Undefined: it is no subject of an event. */
export const eventIdsOf = (subject: string): EventIds | undefined =>
  clusterEvents.parse(subject) ?? frameworkWorldEvents.parse(subject)

/** agent → the world, on demand. */
export const taskOutput = route('{cluster}.log.{agentId}.{principal}.{frameworkId}', 'Output')

/** agent → operators, on demand: what lies in a sandbox. */
export const sandboxPieces = route(
  '{cluster}.sandbox.{agentId}.{principal}.{frameworkId}',
  'SandboxPiece',
)

/** leader → agents: who has such a sandbox? */
export const sandboxQuestions = route('{cluster}.find', 'FindSandboxes')

/** agent → operators: what sandboxes it has. */
export const sandboxesFound = route('{cluster}.found.{agentId}', 'SandboxesFound')
/** agent → the world, on demand. */
export const taskUsage = route('{cluster}.usage.{agentId}.{principal}.{frameworkId}', 'TaskUsage')

/** The inbox prefixes of those who call: answers go nowhere else. */
export const frameworkInbox = (ids: {
  readonly cluster: string
  readonly principal: string
  readonly frameworkId: string
}): string => `_INBOX.${ids.cluster}.framework.${ids.principal}.${ids.frameworkId}`

export const inboxOf = (cluster: string, kind: string, id: string): string =>
  `_INBOX.${cluster}.${kind}.${id}`

/** Every inbox of a kind: for who answers that kind. */
export const inboxesOf = (cluster: string, kind: string): string => `_INBOX.${cluster}.${kind}.>`

/** Where there are no credentials, any inbox may be answered. */
export const BARE_INBOX = '_INBOX.'

/** The bucket of the leader lease and the log of the registry. Not subjects, but named alike. */
export const leaseBucket = (cluster: string): string => `${cluster}_lease`
export const LEASE_KEY = 'leader'
export const registryLog = (cluster: string): string => `${cluster}_registry`

/** The stream that keeps public events, and what it keeps. */
export const eventStream = (cluster: string): string => `${cluster}_events`
export const allEvents = (cluster: string): string => `${cluster}.event.>`
/** All status updates. */
export const allUpdates = (cluster: string): string => `${cluster}.update.>`

/**
 * Where NATS is asked for one stored message of a stream: the only right that a reader of history
 * needs beside its inbox and the live subject. (Who makes the stream needs `$JS.API.STREAM.INFO`,
 * `CREATE` and `UPDATE` of it.)
 *
 * NATS does not look at the reply subject of a question: in the stream's own account this right is
 * the right to publish anywhere, and an answer "not found", which is empty, deletes whatever stream
 * its reply subject names. Observers therefore belong into an account of their own that imports
 * this subject as a service: then answers stay in that account.
 */
export const historyQuestions = (stream: string): string => `$JS.API.DIRECT.GET.${stream}`
