/** What a round of chaos is held to, and a run as a whole. */
import test from 'ava'
import { tooFewBegan } from '../../chaos/outcome.ts'
import { partsOf } from '../../chaos/parts.ts'
import type { Figures } from '../../lab/observer.ts'

const AGENTS = [{ agentId: 'a1' }, { agentId: 'a2' }]
const ALL = [...AGENTS, { frameworkId: 'f1' }]

test('each part is held to the longest limit of the faults that hit it', (t) => {
  const launcher = { affected: { agentId: 'a1' }, withinMs: 10_000 }
  const framework = { affected: { frameworkId: 'f1' }, withinMs: 20_000 }
  t.deepEqual(partsOf([launcher, framework], ALL), [
    { of: { agentId: 'a1' }, fault: launcher },
    { of: { frameworkId: 'f1' }, fault: framework },
  ])
})

test('a fault of all hits each part, beside what hits that part alone', (t) => {
  const leader = { affected: {}, withinMs: 15_000 }
  const launcher = { affected: { agentId: 'a1' }, withinMs: 10_000 }
  const frozen = { affected: { agentId: 'a2' }, withinMs: 20_000 }
  const faults = partsOf([launcher, leader, frozen], ALL).map(({ fault }) => fault)
  t.deepEqual(faults, [leader, frozen, leader])
})

const figures = (launched: number, neverBegun: Figures['neverBegun']): Figures => ({
  launched,
  started: 0,
  ended: {},
  killed: 0,
  neverBegun,
  unfinished: 0,
  lost: 0,
  doubled: 0,
  excused: 0,
  missed: 0,
  deaf: 0,
})

test('a run in which many tasks never began has shown little', (t) => {
  const few = { 'TASK_DROPPED RECONCILIATION': 20, 'known to nobody': 30 }
  t.is(tooFewBegan(figures(1_000, few)), undefined)
  t.is(
    tooFewBegan(figures(1_000, { ...few, 'TASK_FAILED LAUNCH_FAILED': 1 })),
    '51 of 1000 tasks never began: 30 known to nobody, 20 TASK_DROPPED RECONCILIATION, 1 TASK_FAILED LAUNCH_FAILED',
  )
})
