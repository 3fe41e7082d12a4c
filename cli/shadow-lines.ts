/** What a shadow says, for people. */
import type { ShadowDifference, ShadowReport } from '../protocol/schema/shadow.ts'
import { age } from './columns.ts'
import { plural } from './plural.ts'
import { type Column, tableLines } from './table.ts'
import { cutToWidth, harmless } from './text.ts'

type Member = ShadowReport['members'][number]
type Named = ShadowDifference['real'][number]

/** A sentence or two, a table of who was given what, and what was decided differently last. */
export function shadowLines(
  report: ShadowReport & { readonly shadowId: string },
  wallMs: number,
  columns?: number,
): readonly string[] {
  const { shadowId, policy, phase, same, different, withheld, missed } = report
  const { problem, members, moreMembers, differences, sinceAtMs } = report
  const decisions = same + different + withheld
  const waiting = phase === 'waiting' ? ', and waits for a leader to tell it of the cluster' : ''
  const lines = [
    `shadow ${shadowId} decides by ${policy}, for ${age(wallMs, sinceAtMs)}${waiting}`,
    ...(problem === undefined ? [] : [`its policy failed: ${problem}`]),
    `${plural(decisions, 'decision')}: ${same} the same, ${different} for others, ${withheld} for nobody; ${missed} missed`,
  ].map((line) => fit(line, columns))
  if (members.length > 0) lines.push('', ...tableLines(MEMBER_COLUMNS, members, columns))
  if (moreMembers > 0) lines.push(`and ${moreMembers} more`)
  if (differences.length > 0)
    lines.push('', 'the latest that differ:', ...differenceLines(differences, columns))
  return lines
}

const amount = (value: number): string => String(value)

function pair(title: string, of: (given: Member['real']) => number, spare: number) {
  const column = (name: string, side: 'real' | 'shadow'): Column<Member> => ({
    title: name,
    text: (member) => amount(of(member[side])),
    align: 'right',
    spare,
  })
  return [column(title, 'real'), column(`SHADOW-${title}`, 'shadow')]
}

const MEMBER_COLUMNS: readonly Column<Member>[] = [
  { title: 'FRAMEWORK', text: ({ frameworkId }) => frameworkId, gives: 'id' },
  { title: 'ROLE', text: ({ role }) => role, gives: true, spare: 3 },
  ...pair('GIVEN', ({ allocations }) => allocations, 0),
  ...pair('CPUS', ({ cpus }) => cpus, 1),
  ...pair('MEM', ({ mem }) => mem, 2),
]

export const differenceLines = (
  differences: readonly ShadowDifference[],
  columns?: number,
): readonly string[] =>
  differences.map(({ atMs, agentId, agentVersion, real, shadow }) =>
    fit(
      `  ${clockOf(atMs)}  ${agentId} at ${agentVersion}: real ${names(real)}, shadow ${names(shadow)}`,
      columns,
    ),
  )

/** What `report` says that `before` did not. */
export function newDifferences(
  before: ShadowReport,
  { differences }: ShadowReport,
): readonly ShadowDifference[] {
  const known = new Set(before.differences.map(keyOf))
  return differences.filter((difference) => !known.has(keyOf(difference)))
}

const keyOf = ({ atMs, agentId, agentVersion }: ShadowDifference): string =>
  `${atMs} ${agentId} ${agentVersion}`

const names = (members: readonly Named[]): string =>
  members.map(({ frameworkId, role }) => `${frameworkId} (${role})`).join(' and ') || 'nobody'

const two = (part: number): string => String(part).padStart(2, '0')

function clockOf(atMs: number): string {
  const time = new Date(atMs)
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
}

function fit(line: string, columns: number | undefined): string {
  const shown = harmless(line)
  return columns === undefined ? shown : cutToWidth(shown, columns)
}
