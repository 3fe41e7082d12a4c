/** What `bourse shadow` prints. */
import test from 'ava'
import { newDifferences, shadowLines } from '../../../cli/shadow-lines.ts'
import type { AgentId, FrameworkId, Principal } from '../../../protocol/ids.ts'
import type { ShadowDifference, ShadowReport } from '../../../protocol/schema/shadow.ts'

const AT_MS = new Date(2026, 10, 21, 12, 0, 1).getTime()

const member = (name: string, role: string) => ({
  principal: 'local' as Principal,
  frameworkId: name as FrameworkId,
  role,
})

const aDifference = (more: Partial<ShadowDifference> = {}): ShadowDifference => ({
  atMs: AT_MS,
  agentId: 'a1' as AgentId,
  agentVersion: 7,
  real: [member('night', 'batch')],
  shadow: [],
  ...more,
})

function aReport(more: Partial<ShadowReport> = {}): ShadowReport & { readonly shadowId: string } {
  const given = { allocations: 2, cpus: 8.5, mem: 2048 }
  return {
    shadowId: 'try',
    policy: 'priority',
    phase: 'comparing',
    sinceAtMs: AT_MS - 60_000,
    atMs: AT_MS,
    same: 5,
    different: 1,
    withheld: 1,
    missed: 0,
    members: [{ ...member('night', 'batch'), real: given, shadow: { ...given, allocations: 1 } }],
    moreMembers: 0,
    differences: [aDifference()],
    ...more,
  }
}

test('how it decides, who was given what, and the latest that differ', (t) => {
  t.deepEqual(shadowLines(aReport(), AT_MS), [
    'shadow try decides by priority, for 1m',
    '7 decisions: 5 the same, 1 for others, 1 for nobody; 0 missed',
    '',
    'FRAMEWORK  ROLE   GIVEN  SHADOW-GIVEN  CPUS  SHADOW-CPUS   MEM  SHADOW-MEM',
    'night      batch      2             1   8.5          8.5  2048        2048',
    '',
    'the latest that differ:',
    '  12:00:01  a1 at 7: real night (batch), shadow nobody',
  ])
})

test('a single decision is one', (t) => {
  const one = aReport({ same: 1, different: 0, withheld: 0 })
  t.is(shadowLines(one, AT_MS)[1], '1 decision: 1 the same, 0 for others, 0 for nobody; 0 missed')
})

test('one that waits, one whose policy failed, and more members than are told', (t) => {
  const lines = shadowLines(
    aReport({ phase: 'waiting', problem: './mine.js: it threw', moreMembers: 3, differences: [] }),
    AT_MS,
  )
  t.is(
    lines[0],
    'shadow try decides by priority, for 1m, and waits for a leader to tell it of the cluster',
  )
  t.is(lines[1], 'its policy failed: ./mine.js: it threw')
  t.is(lines.at(-1), 'and 3 more')
})

test('no line is wider than the terminal, and nothing acts on it', (t) => {
  const lines = shadowLines(
    aReport({ policy: `\u001b[2J${'x'.repeat(100)}`, problem: 'a\nb' }),
    AT_MS,
    40,
  )
  t.true(lines.every((line) => line.length <= 40 && !/\p{Cc}/u.test(line)))
})

test('of two reports the differences that came between them', (t) => {
  const later = aDifference({ agentVersion: 8 })
  const after = aReport({ differences: [aDifference(), later] })
  t.deepEqual(newDifferences(aReport(), after), [later])
})
