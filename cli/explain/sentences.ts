/** What `bourse explain` says, in sentences. */
import {
  addResources,
  describeResources,
  NO_RESOURCES,
  resourcesOf,
  subtractResources,
} from '../../protocol/resources.ts'
import type { Quantities, ResourceList } from '../../protocol/schema/common.ts'
import type {
  Explained,
  Explanation,
  MemberExplanation,
  RoleStanding,
} from '../../protocol/schema/explain.ts'
import type { AgentItem, RoleItem, TaskItem } from '../../protocol/schema/operator.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { ENDED_UNKNOWN, mayRunOn } from '../agents-away.ts'
import { age, whyOf } from '../columns.ts'
import { formatDuration } from '../duration.ts'
import { nameOfTask } from '../find-task.ts'
import { plural } from '../plural.ts'
import { harmless } from '../text.ts'
import { exampleText, type ToldReason, toldReasons } from './reasons.ts'
import type { Target } from './target.ts'

/** A sentence, and what belongs to it, indented. */
export interface Told {
  readonly text: string
  readonly more?: readonly Told[]
}

export function explanationOf(target: Target, said: Explanation, wallMs: number): readonly Told[] {
  switch (target.kind) {
    case 'framework':
      return [...members(said, roleOf), ...around(said)]
    case 'role':
      return [...role(target.item, said), ...around(said)]
    case 'agent':
      return agent(target.item, said)
    case 'task':
      return task(target.item, said, wallMs)
    case 'waiting':
      return [
        { text: `${target.id} is not known here: ${whyUnknown(target)}` },
        ...members(said, roleOf),
        ...around(said),
      ]
  }
}

function whyUnknown({ away }: Extract<Target, { kind: 'waiting' }>): string {
  const where = mayRunOn(away)
  if (where === undefined) return `not launched yet, or it ${ENDED_UNKNOWN}`
  return `${where}, was not launched yet, or ${ENDED_UNKNOWN}`
}

/** As lines, each step in by two. What strangers wrote in it does nothing there. */
export function toldLines(all: readonly Told[], indent = ''): readonly string[] {
  return all.flatMap(({ text, more = [] }) => [
    `${indent}${harmless(text)}`,
    ...toldLines(more, `${indent}  `),
  ])
}

const roleOf = ({ role: name }: MemberExplanation): string => name

/** `nameOf`: what is to be explained to see more of one. */
function members(
  { members: all = [], more = 0 }: Explanation,
  nameOf: (one: MemberExplanation) => string,
): readonly Told[] {
  const shown = all.filter(({ unasked }) => !unasked).map(member)
  const [first] = all.filter(({ unasked }) => unasked)
  const count = all.length - shown.length + more
  if (count === 0) return shown
  const text = `${count} more ${count === 1 ? 'is' : 'are'} not looked at here`
  return [
    ...shown,
    { text: first === undefined ? text : `${text}: \`bourse explain ${nameOf(first)}\`` },
  ]
}

function member(one: MemberExplanation): Told {
  const name = `${one.frameworkId} (role ${one.role})`
  const still = stillness(one)
  if (still !== undefined) return { text: `${name} ${still}` }
  const { explained, offers, oldestOfferMs = 0 } = one
  const has = `has ${plural(offers, 'offer')} to answer, the oldest for ${formatDuration(oldestOfferMs)}`
  if (explained === undefined || explained.unanswered !== undefined) {
    const text = offers > 0 ? has : 'wants offers'
    return { text: `${name} ${text}`, more: [{ text: whyUnanswered(explained) }] }
  }
  const agents = sum(explained)
  const waits =
    agents === 0
      ? 'waits: there is no agent'
      : `waits: ${agents === 1 ? 'the only agent is not' : `none of ${agents} agents is`} offered to it`
  return {
    text: `${name} ${offers > 0 ? has : waits}`,
    more: [
      ...toldReasons(explained, 'agents').map((told) => reason(told, one)),
      ...(explained.counts?.['filtered'] ? [] : declined(one)),
      ...(explained.standings ?? []).map(standing),
    ],
  }
}

/** Why nothing is to be offered to it at all. */
function stillness({ state, left, suppressed, tasks }: MemberExplanation): string | undefined {
  const holds = tasks === 0 ? '' : ` (it has ${plural(tasks, 'task')})`
  if (state === 'away') return `is away and gets nothing until it is back${holds}`
  if (state === 'recovered') return `has not subscribed since the leader changed${holds}`
  if (state === 'ended') return 'has ended: some agents have not confirmed that yet'
  if (left) return `asks for no more: it only has ${plural(tasks, 'task')} there`
  if (suppressed) return `wants no offers: it has suppressed them${holds}`
  return undefined
}

const whyUnanswered = (explained: Explained | undefined): string => {
  if (explained?.unanswered === 'too-many') return 'the allocator has too many questions just now'
  if (explained?.unanswered === 'unknown') return 'the allocator has not been told of it yet'
  return 'no allocator has said why (`bourse status` tells if there is one, `bourse allocator` starts one)'
}

const sum = ({ counts = {} }: Explained): number =>
  Object.values(counts).reduce((all, count) => all + count, 0)

/** What helps, by reason. */
const HELP: Readonly<Record<string, (one: MemberExplanation) => string>> = {
  limit: ({ role: name }) => ` (\`bourse quota get ${topOf(name)}\`)`,
  headroom: () => ' (`bourse roles`)',
  'none-free': () => ' (`bourse tasks`, `bourse offers`)',
  constraints: () => ' (`bourse status AGENT` shows its attributes)',
  filtered: (one) => decline(one),
}

function reason(told: ToldReason, one: MemberExplanation): Told {
  const { examples, count } = told
  const text = `${told.text}${HELP[told.reason]?.(one) ?? ''}`
  const isTold = examples.some(({ detail, forMs }) => detail !== undefined || forMs !== undefined)
  if (isTold) return { text, more: [...examples.map(example), ...andMore(count, examples.length)] }
  const names = examples.map(exampleText).join(', ')
  return names === ''
    ? { text }
    : { text, more: [{ text: `${names}${rest(count, examples.length)}` }] }
}

const example = (one: ToldReason['examples'][number]): Told => ({ text: exampleText(one) })
const rest = (count: number, shown: number): string =>
  count > shown ? ` and ${count - shown} more` : ''
const andMore = (count: number, shown: number): readonly Told[] =>
  count > shown ? [{ text: `and ${count - shown} more` }] : []

/** ` 1s ago: "too small"`. */
function decline({ declinedMs, declineReason }: MemberExplanation): string {
  if (declinedMs === undefined) return ', or not answered in time'
  const said = declineReason === undefined ? '' : `: "${declineReason}"`
  return `, the last ${formatDuration(declinedMs)} ago${said}`
}

function declined(one: MemberExplanation): readonly Told[] {
  if (!one.declinedLast) return []
  const what =
    one.declinedMs === undefined ? 'it did not answer its last offer' : `it declined${decline(one)}`
  return [{ text: `${what}; who did not is asked first` }]
}

function standing({ role: name, share, weight, place, siblings, ...quota }: RoleStanding): Told {
  const parts = [
    `role ${name} holds ${percent(share)} of the cluster`,
    ...(weight === 1 ? [] : [`weight ${weight}`]),
    ...(siblings === 1 ? [] : [`is asked as number ${place} of ${siblings}`]),
    ...quotaParts(quota),
  ]
  return { text: parts.join(', ') }
}

function quotaParts({
  guarantee,
  limit,
  consumed,
}: Pick<RoleStanding, 'guarantee' | 'limit' | 'consumed'>): readonly string[] {
  const amounts = (all: Quantities, of: string): string =>
    Object.entries(all)
      .map(([name, amount]) => `${name} ${consumed[name] ?? 0} ${of} ${amount}`)
      .join(', ')
  return [
    ...(isNone(guarantee) ? [] : [`has ${amounts(guarantee, 'of')} guaranteed`]),
    ...(isNone(limit) ? [] : [`has ${amounts(limit, 'of at most')}`]),
  ]
}

const isNone = (quantities: Quantities): boolean => Object.keys(quantities).length === 0

const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`

const topOf = (name: string): string => name.split('/')[0] ?? name

/** What others have to do with it. */
function around({
  offers = [],
  offerCount = 0,
  absent = 0,
  awaited = 0,
  ...said
}: Explanation): readonly Told[] {
  const waiting = (said.members ?? []).filter((one) => stillness(one) === undefined)
  if (waiting.length === 0) return []
  const [oldest] = offers
  const told: Told[] = []
  if (oldest !== undefined) {
    const has = plural(offerCount, 'offer is', 'offers are')
    const { frameworkId, agentId, ageMs } = oldest
    told.push({
      text: `${has} unanswered in the cluster, the oldest with ${frameworkId} for ${formatDuration(ageMs)}, of ${agentId} (\`bourse offers\`)`,
    })
  }
  if (awaited > 0) {
    const more = plural(awaited, 'more agent is', 'more agents are')
    told.push({
      text: `its role has a limit, and gets nothing before ${more} back: a new leader asks them first what it has`,
    })
  }
  if (absent > 0)
    told.push({ text: `${plural(absent, 'agent is', 'agents are')} not there (\`bourse agents\`)` })
  return told
}

function role(item: RoleItem, said: Explanation): readonly Told[] {
  const { explained } = said
  const holds = `${amountsOf(item.used)} used, ${amountsOf(item.offered)} offered`
  const head = `role ${item.role} has ${plural(item.frameworks, 'framework')}; ${holds}`
  const standings = explained?.standings ?? []
  const more = standings.length > 0 ? standings.map(standing) : [{ text: whyUnanswered(explained) }]
  const all = (said.members ?? []).map((one) => withoutStanding(one, item.role))
  const told = members({ ...said, members: all }, ({ frameworkId }) => frameworkId)
  return [{ text: head, more }, ...told]
}

/** How the role and those above it stand was said already. */
function withoutStanding(one: MemberExplanation, asked: string): MemberExplanation {
  if (one.explained === undefined) return one
  const { standings = [], ...others } = one.explained
  const below = standings.filter(({ role: name }) => name.startsWith(`${asked}/`))
  return { ...one, explained: { ...others, standings: below } }
}

const AGENT_STATES: Readonly<Record<string, string>> = {
  silent: 'has no session with the leader just now: nothing of it is offered',
  stopped: 'has been stopped: its tasks run on, and nothing of it is offered',
  leaving: 'is leaving the cluster',
  recovering: 'has not come back since the leader changed: nothing of it is offered',
  unreachable:
    'does not answer: its tasks are unreachable until it is back, or `bourse gone` says that it never will be',
  gone: 'was given up by an operator: its tasks are over, and it is refused should it come back',
}

function agent(item: AgentItem, said: Explanation): readonly Told[] {
  const state = AGENT_STATES[item.state]
  if (state !== undefined) return [{ text: `${item.agentId} ${state}` }]
  const { offers = [], offerCount = 0, explained } = said
  const head = `${item.agentId} has ${freeOf(item)} free of ${describe(item.total)}`
  const offered = offers.map(({ frameworkId, role: name, ageMs }) => ({
    text: `offered to ${frameworkId} in role ${name} for ${formatDuration(ageMs)}`,
  }))
  return [
    { text: head, more: [...offered, ...andMore(offerCount, offers.length)] },
    ...waiting(explained),
  ]
}

function waiting(explained: Explained | undefined): readonly Told[] {
  if (explained === undefined || explained.unanswered !== undefined)
    return [{ text: whyUnanswered(explained) }]
  const told = toldReasons(explained, 'members')
  if (told.length === 0) return [{ text: 'no framework is there that could be offered it' }]
  return told.map(({ text, count, examples }) => ({
    text,
    more: [...examples.map(example), ...andMore(count, examples.length)],
  }))
}

function freeOf({ total, used, offered }: AgentItem): string {
  const taken = addResources(resourcesOf(used), resourcesOf(offered))
  return describeResources(subtractResources(resourcesOf(total), taken) ?? NO_RESOURCES)
}

const amountsOf = (quantities: Quantities): string =>
  Object.entries(quantities)
    .map(([name, amount]) => `${name} ${amount}`)
    .join(', ') || 'nothing'

const describe = (list: ResourceList): string => describeResources(resourcesOf(list))

function task(item: TaskItem, said: Explanation, wallMs: number): readonly Told[] {
  const name = nameOfTask(item)
  const state = said.state ?? item.state
  const ago = age(wallMs, item.changedAtMs)
  const why = whyOf(item)
  if (isTerminal(item.state)) {
    return [{ text: `${name} ended as ${state} ${ago} ago on ${item.agentId}${why && `: ${why}`}` }]
  }
  return [
    { text: `${name} ${progress(item, ago)}${why && `: ${why}`}`, more: agentOfTask(said, item) },
  ]
}

function progress({ state, agentId, healthy }: TaskItem, ago: string): string {
  switch (state) {
    case 'TASK_STAGING':
      return `was sent to ${agentId} ${ago} ago, which has not said that it starts`
    case 'TASK_STARTING':
      return `is being started on ${agentId}, for ${ago}`
    case 'TASK_KILLING':
      return `is being killed on ${agentId}, for ${ago}`
    case 'TASK_UNREACHABLE':
      return `is unreachable for ${ago}, as ${agentId} is: it comes back with it`
    default:
      return `runs on ${agentId} for ${ago}${healthWords(healthy)}`
  }
}

const healthWords = (healthy: boolean | undefined): string =>
  healthy === undefined ? '' : healthy ? ' and is healthy' : ' and is not healthy'

function agentOfTask({ agentState }: Explanation, { agentId, state }: TaskItem): readonly Told[] {
  const known = AGENT_STATES[agentState as AgentItem['state']]
  return known === undefined || state === 'TASK_UNREACHABLE'
    ? []
    : [{ text: `${agentId} ${known}` }]
}
