/** The locality experiment: where data lies, who has which agents, and what is told of it. */
import test from 'ava'
import { seededNumbers, spreadBlocks } from '../../../../examples/locality/blocks.ts'
import {
  blocksOf,
  outcomeOf,
  type Plan,
  partitionOf,
  settingsOf,
} from '../../../../examples/locality/experiment.ts'
import { outcomeLine, percentOf, planLine } from '../../../../examples/locality/report.ts'

const AGENTS = Array.from({ length: 32 }, (_, i) => `emulated-${i + 1}`)
const PLAN: Plan = {
  agents: 32,
  jobs: 16,
  tasksPerJob: 30,
  taskMs: 500,
  copies: 3,
  waitsMs: [0, 1_000],
  seed: 1,
}

test('each block lies on as many agents as it has copies, the same for the same seed', (t) => {
  const spread = (seed: number) =>
    spreadBlocks({ agents: AGENTS, blocks: 50, copies: 3, random: seededNumbers(seed) })
  for (const { holders } of spread(1)) t.is(new Set(holders).size, 3)
  t.deepEqual(spread(7), spread(7))
  t.notDeepEqual(spread(7), spread(8))
  const few = spreadBlocks({ agents: ['a'], blocks: 1, copies: 3, random: seededNumbers(1) })
  t.deepEqual(few, [{ number: 1, holders: ['a'] }])
})

test('blocks are spread evenly, more or less', (t) => {
  const counts = new Map<string, number>()
  for (const { holders } of blocksOf(PLAN, AGENTS).flat())
    for (const holder of holders) counts.set(holder, (counts.get(holder) ?? 0) + 1)
  t.is(counts.size, AGENTS.length)
  // 45 each, if chance had no hand in it.
  for (const count of counts.values()) t.true(count > 20 && count < 70, `${count}`)
})

test('a split cluster gives each agent to one job, and every job as many', (t) => {
  const parts = Array.from({ length: 16 }, (_, job) => partitionOf(AGENTS, job, 16))
  t.deepEqual(parts.flatMap((part) => [...part]).toSorted(), AGENTS.toSorted())
  for (const part of parts) t.is(part.size, 2)
})

test('the split cluster comes first, then a shared one for each wait', (t) => {
  t.deepEqual(settingsOf(PLAN), [
    { kind: 'split' },
    { kind: 'shared', waitMs: 0 },
    { kind: 'shared', waitMs: 1_000 },
  ])
})

test('what came of it is told in a line, and no percentage is rounded up', (t) => {
  const outcome = outcomeOf({ kind: 'shared', waitMs: 1_500 }, [
    { local: 5, tasks: 6, startedAtMs: 1_000, endedAtMs: 2_000 },
    { local: 6, tasks: 6, startedAtMs: 1_500, endedAtMs: 3_100 },
  ])
  t.like(outcome, { local: 11, tasks: 12, jobMs: 1_550 })
  t.is(percentOf(outcome), 91)
  t.is(outcomeLine(outcome), 'shared, wait 1.5 s        91 %  1.6 s')
  t.is(
    outcomeLine({ ...outcome, setting: { kind: 'split' } }).slice(0, 24),
    'split, each has its own ',
  )
  t.true(planLine(PLAN).startsWith('16 jobs of 30 tasks, 0.5 s each, on 32 agents'))
})
