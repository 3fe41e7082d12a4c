/** Every subject that there is, found in the table itself, and which ids are put into it. */
import type { Route } from '../../protocol/route.ts'
import type { MessageName } from '../../protocol/schema/messages.ts'
import * as subjects from '../../protocol/subjects.ts'

type AnyIds = Readonly<Record<string, string>>
type AnyRoute = Route<AnyIds, MessageName>
type RouteName = {
  [K in keyof typeof subjects]: (typeof subjects)[K] extends { readonly template: string }
    ? K
    : never
}[keyof typeof subjects]

export const CLUSTER = 'bourse'
/** Who speaks: a framework, an agent, a master that nobody knows. */
export const GARBAGE = 'garbage'
export const STRANGER = 'stranger-1'
export const AGENTS = ['e-1', 'e-2']
export const VICTIM = 'victim'

const FRAMEWORKS = [GARBAGE, 'f-1', 'nobody']
const PRINCIPALS = ['local', GARBAGE]

/**
 * The ids with which each route is spoken on: one's own where the subject says who speaks,
 * anybody's where it says who listens. A route that does not stand here is covered by nobody.
 */
const IDS: Readonly<Record<RouteName, Readonly<Record<string, readonly string[]>>>> = {
  leaderBeat: {},
  peerBeat: { masterId: ['stranger'] },
  frameworkCall: { principal: PRINCIPALS, frameworkId: FRAMEWORKS },
  frameworkEvents: { principal: PRINCIPALS, frameworkId: [VICTIM, GARBAGE] },
  agentReports: { agentId: [STRANGER] },
  agentOrders: { agentId: AGENTS },
  statusUpdates: { principal: ['local'], frameworkId: [VICTIM, GARBAGE], agentId: [STRANGER] },
  acknowledgements: { principal: PRINCIPALS, frameworkId: FRAMEWORKS, agentId: AGENTS },
  allocatorFigures: {},
  allocatorReports: {},
  shadowReports: { shadowId: ['stranger'] },
  operatorCall: { principal: PRINCIPALS },
  clusterEvents: { kind: ['agent', 'master', 'x'], what: ['registered', 'leads', 'x'] },
  frameworkWorldEvents: {
    kind: ['task', 'framework', 'offer'],
    what: ['running', 'x'],
    principal: ['local'],
    frameworkId: [VICTIM],
  },
  taskOutput: { agentId: [STRANGER], principal: ['local'], frameworkId: [VICTIM] },
  sandboxPieces: { agentId: [STRANGER], principal: ['local'], frameworkId: [VICTIM] },
  sandboxQuestions: {},
  sandboxesFound: { agentId: [STRANGER] },
  taskUsage: { agentId: [STRANGER], principal: ['local'], frameworkId: [VICTIM] },
}

/** Who has the right to speak there; `*`: the principal in the subject. */
const USERS: Readonly<Record<RouteName, string>> = {
  leaderBeat: 'master stranger',
  peerBeat: 'master stranger',
  frameworkCall: 'framework *',
  frameworkEvents: 'master stranger',
  agentReports: 'agent stranger-1',
  agentOrders: 'master stranger',
  statusUpdates: 'agent stranger-1',
  acknowledgements: 'framework *',
  allocatorFigures: 'master stranger',
  allocatorReports: 'allocator stranger',
  shadowReports: 'allocator stranger',
  operatorCall: 'operator *',
  clusterEvents: 'master stranger',
  frameworkWorldEvents: 'master stranger',
  taskOutput: 'agent stranger-1',
  sandboxPieces: 'agent stranger-1',
  sandboxQuestions: 'master stranger',
  sandboxesFound: 'agent stranger-1',
  taskUsage: 'agent stranger-1',
}

export interface Target {
  readonly route: string
  readonly user: string
  readonly parsed: AnyRoute
  readonly message: MessageName
  readonly ids: Readonly<Record<string, readonly string[]>>
}

const routes = Object.entries(subjects as unknown as Readonly<Record<string, unknown>>).filter(
  (entry): entry is [string, AnyRoute] =>
    typeof entry[1] === 'object' && entry[1] !== null && 'template' in entry[1],
)

/** Every word that any table of verbs knows. */
const verbs = new Set(
  Object.values(subjects as unknown as Readonly<Record<string, unknown>>).flatMap((value) =>
    typeof value === 'object' && value !== null && !('template' in value) ? Object.keys(value) : [],
  ),
)

/** One for each route, or for each of its verbs. Throws for a route that nobody covers. */
export function targets(): readonly Target[] {
  return routes.flatMap(([route, parsed]) => {
    const ids = (IDS as Readonly<Record<string, Target['ids']>>)[route]
    if (ids === undefined) throw new Error(`${route} is covered by no sender: name its ids`)
    const own = { ...ids, cluster: [CLUSTER] }
    const user = (USERS as Readonly<Record<string, string>>)[route] ?? ''
    if (!parsed.template.includes('{verb}')) {
      const message = parsed.body({})
      if (message === undefined) throw new Error(`${route} has no message`)
      return [{ route, user, parsed, message, ids: own }]
    }
    return [...verbs].flatMap((verb) => {
      const message = parsed.body({ verb })
      return message === undefined
        ? []
        : [{ route, user, parsed, message, ids: { ...own, verb: [verb] } }]
    })
  })
}
