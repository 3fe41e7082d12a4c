/** What each listing shows of its items. */
import { constants } from 'node:os'
import { countRanges } from '../protocol/ranges.ts'
import { rangesOf, resourcesOf, scalarOf } from '../protocol/resources.ts'
import { fromThousandths } from '../protocol/scalar.ts'
import type { Exit, ResourceList } from '../protocol/schema/common.ts'
import type {
  AgentItem,
  FrameworkItem,
  OfferItem,
  RoleItem,
  TaskItem,
} from '../protocol/schema/operator.ts'
import { formatDuration } from './duration.ts'
import type { Item, ListingVerb } from './operator-client.ts'
import { sumsFlag } from './roles/flags.ts'
import type { Column } from './table.ts'

type ColumnsOf = { readonly [V in ListingVerb]: (wallMs: number) => readonly Column<Item<V>>[] }

/** `wallMs` is now: ages are shown. */
export const COLUMNS: ColumnsOf = {
  agents: agentColumns,
  frameworks: frameworkColumns,
  tasks: taskColumns,
  offers: offerColumns,
  roles: roleColumns,
}

function agentColumns(wallMs: number): readonly Column<AgentItem>[] {
  const share = (
    title: string,
    amount: (list: ResourceList) => number,
    spare: number,
  ): Column<AgentItem> => ({
    title,
    text: ({ used, total }) => `${amount(used)}/${amount(total)}`,
    align: 'right',
    spare,
  })
  return [
    { title: 'AGENT', text: ({ agentId }) => agentId, gives: 'id' },
    { title: 'HOST', text: ({ hostname }) => hostname ?? '', gives: true, spare: 4 },
    { title: 'STATE', text: ({ state }) => state },
    share('CPUS', scalar('cpus'), 0),
    share('MEM', scalar('mem'), 2),
    share('PORTS', ports, 5),
    { title: 'TASKS', text: ({ tasks }) => String(tasks), align: 'right', spare: 1 },
    {
      title: 'FOR',
      text: ({ sinceMs, registeredAtMs }) => age(wallMs, sinceMs ?? registeredAtMs),
      align: 'right',
      spare: 3,
    },
  ]
}

function frameworkColumns(wallMs: number): readonly Column<FrameworkItem>[] {
  return [
    { title: 'FRAMEWORK', text: ({ frameworkId }) => frameworkId, gives: 'id' },
    { title: 'NAME', text: ({ name }) => name, gives: true, spare: 4 },
    {
      title: 'INSTANCE',
      text: ({ instance }) => instance ?? '',
      gives: 'id',
      spare: 7,
      isRare: true,
    },
    { title: 'STATE', text: wishOf },
    { title: 'ROLES', text: ({ roles }) => roles.join(','), gives: true, spare: 5 },
    { title: 'CPUS', text: ({ used }) => String(scalar('cpus')(used)), align: 'right', spare: 3 },
    { title: 'MEM', text: ({ used }) => String(scalar('mem')(used)), align: 'right', spare: 3 },
    { title: 'TASKS', text: ({ tasks }) => String(tasks), align: 'right', spare: 1 },
    { title: 'OFFERS', text: ({ offers }) => String(offers), align: 'right', spare: 2 },
    {
      title: 'FOR',
      text: ({ sinceMs, subscribedAtMs }) => age(wallMs, sinceMs ?? subscribedAtMs),
      align: 'right',
      spare: 6,
    },
  ]
}

/** One that is there and wants nothing is told from one that waits. */
function wishOf({ state, roles, suppressed }: FrameworkItem): string {
  const wantsNothing = roles.length > 0 && suppressed.length === roles.length
  return state === 'subscribed' && wantsNothing ? 'suppressed' : state
}

function taskColumns(wallMs: number): readonly Column<TaskItem>[] {
  return [
    { title: 'TASK', text: ({ taskId }) => taskId, gives: 'id' },
    { title: 'NAME', text: ({ name }) => name ?? '', gives: true, spare: 8 },
    { title: 'FRAMEWORK', text: ({ frameworkId }) => frameworkId, gives: 'id', spare: 2 },
    { title: 'AGENT', text: ({ agentId }) => agentId, gives: 'id', spare: 3 },
    { title: 'STATE', text: ({ state }) => state },
    {
      title: 'CPUS',
      text: ({ resources }) => String(scalar('cpus')(resources)),
      align: 'right',
      spare: 6,
    },
    {
      title: 'MEM',
      text: ({ resources }) => String(scalar('mem')(resources)),
      align: 'right',
      spare: 6,
    },
    { title: 'FOR', text: ({ changedAtMs }) => age(wallMs, changedAtMs), align: 'right', spare: 4 },
    { title: 'WHY', text: whyOf, gives: true, spare: 1 },
  ]
}

function offerColumns(): readonly Column<OfferItem>[] {
  return [
    { title: 'OFFER', text: ({ offerId }) => offerId, gives: 'id' },
    { title: 'FRAMEWORK', text: ({ frameworkId }) => frameworkId, gives: 'id', spare: 1 },
    { title: 'ROLE', text: ({ role }) => role, gives: true, spare: 5 },
    { title: 'AGENT', text: ({ agentId }) => agentId, gives: 'id' },
    {
      title: 'CPUS',
      text: ({ resources }) => String(scalar('cpus')(resources)),
      align: 'right',
      spare: 3,
    },
    {
      title: 'MEM',
      text: ({ resources }) => String(scalar('mem')(resources)),
      align: 'right',
      spare: 4,
    },
    { title: 'PORTS', text: ({ resources }) => String(ports(resources)), align: 'right', spare: 5 },
    { title: 'AGE', text: ({ ageMs }) => formatDuration(ageMs), align: 'right', spare: 2 },
  ]
}

const ROLE: Column<RoleItem> = { title: 'ROLE', text: ({ role }) => role, gives: 'id' }
const FRAMEWORKS: Column<RoleItem> = {
  title: 'FRAMEWORKS',
  text: ({ frameworks }) => String(frameworks),
  align: 'right',
  spare: 3,
}
const WEIGHT: Column<RoleItem> = {
  title: 'WEIGHT',
  text: ({ weight }) => String(weight),
  align: 'right',
}
const HAS: readonly Column<RoleItem>[] = [
  { title: 'USED', text: ({ used }) => sumsFlag(used), gives: true },
  { title: 'OFFERED', text: ({ offered }) => sumsFlag(offered), gives: true, spare: 4 },
]
const QUOTA: readonly Column<RoleItem>[] = [
  { title: 'GUARANTEE', text: ({ guarantee }) => sumsFlag(guarantee), gives: true, spare: 1 },
  { title: 'LIMIT', text: ({ limit }) => sumsFlag(limit), gives: true, spare: 2 },
]

function roleColumns(): readonly Column<RoleItem>[] {
  return [ROLE, WEIGHT, FRAMEWORKS, ...HAS, ...QUOTA]
}

export const quotaColumns = (): readonly Column<RoleItem>[] => [ROLE, ...QUOTA, ...HAS]

export const weightColumns = (): readonly Column<RoleItem>[] => [ROLE, WEIGHT, FRAMEWORKS]

/** What was said about how it ended, else how it ended. */
export const whyOf = ({ exit, message }: Pick<TaskItem, 'exit' | 'message'>): string =>
  message || (exitText(exit) ?? '')

/** `exit 3`, `SIGKILL`; undefined: nobody knows, or it has not ended. */
function exitText(exit: Exit | undefined): string | undefined {
  if (exit?.code !== undefined) return `exit ${exit.code}`
  if (exit?.signal === undefined) return undefined
  const named = Object.entries(constants.signals).find(([, number]) => number === exit.signal)
  return named?.[0] ?? `signal ${exit.signal}`
}

/** How long ago; clocks of two machines may differ. Empty when nobody knows. */
export const age = (wallMs: number, atMs: number | undefined): string =>
  atMs === undefined ? '' : formatDuration(Math.max(0, wallMs - atMs))

const scalar =
  (name: string) =>
  (list: ResourceList): number =>
    fromThousandths(scalarOf(resourcesOf(list), name))

const ports = (list: ResourceList): number => countRanges(rangesOf(resourcesOf(list), 'ports'))
