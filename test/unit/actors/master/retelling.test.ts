/** A shadow allocator asks for everything anew: told on the subject of the allocator. */
import test from 'ava'
import { RETELL_MS } from '../../../../protocol/limits.ts'
import type { AllocatorReport } from '../../../../protocol/schema/master.ts'
import { aStage, aStageWith, live } from '../../../support/master-actors.ts'
import { effectsOf, figuresOf, type MasterDriver } from '../../../support/master-builders.ts'

const ask = (master: MasterDriver) =>
  master.input({ kind: 'allocator-reports', body: { reports: [{ kind: 'shadow' }] } })

const kindsOf = (effects: Parameters<typeof figuresOf>[0]) =>
  figuresOf(effects).map(({ kind }) => kind)

test('a shadow that asks is told everything within the session, as at its opening', (t) => {
  const { master, allocator } = aStageWith('t1')
  const opened = figuresOf(allocator.open())
  const from = master.effects.length
  const retold = figuresOf(ask(master))
  const rules = opened.find((figure) => figure.kind === 'opened')
  t.deepEqual(retold[0], { kind: 'retelling', minAllocatable: rules?.minAllocatable ?? [] })
  t.deepEqual(
    new Set(retold.slice(1).map((figure) => JSON.stringify(figure))),
    new Set(opened.slice(2).map((figure) => JSON.stringify(figure))),
  )
  t.is(retold.at(-1)?.kind, 'complete')
  const said = effectsOf(master.effects.slice(from), 'send-figures').map(({ body }) => body)
  t.true(said.every(({ session }) => session === allocator.session))
})

test('however many ask, everything is told once in a while, and changes are told meanwhile', (t) => {
  const stage = aStage()
  const { master, allocator } = stage
  t.is(kindsOf(ask(master))[0], 'retelling')
  for (let i = 0; i < 1_000; i++) t.deepEqual(ask(master), [])
  t.true(kindsOf(allocator.allocate()).includes('answered'))
  live(stage, RETELL_MS)
  t.is(kindsOf(ask(master))[0], 'retelling')
})

test('without a session nobody is told: the next one begins with everything', (t) => {
  const { master } = aStage()
  live({ master }, 60_000)
  t.deepEqual(ask(master), [])
})

test('a policy that failed is logged, counted, and told to the world', (t) => {
  const { allocator, master } = aStage()
  const report: AllocatorReport = {
    kind: 'policy-failed',
    policy: './mine.js',
    problem: 'rankMember gave NaN',
  }
  const effects = allocator.say(report)
  const [log] = effectsOf(effects, 'log')
  t.like(log, { level: 'warn', fields: { policy: './mine.js', problem: 'rankMember gave NaN' } })
  const [told] = effectsOf(master.effects, 'send-public').filter(
    ({ subject }) => subject.kind === 'allocator',
  )
  t.is(told?.subject.what, 'policy-failed')
  t.like(told?.body.events[0], { name: './mine.js', message: 'rankMember gave NaN' })
})
