import test from 'ava'
import { type Constraint, parseConstraint } from '../../../../frameworks/run/constraints.ts'
import { FOUR_CPUS, Run } from './given.ts'

const constraint = (text: string): Constraint => {
  const parsed = parseConstraint(text)
  if ('code' in parsed) throw new Error(parsed.message)
  return parsed
}

const a = (texts: readonly string[], instances = 1) =>
  new Run({}, instances, { constraints: texts.map(constraint) })

const R1 = { agentId: 'a1', hostname: 'h1', attributes: { rack: 'r1', size: '8' } }
const BARE = { agentId: 'a2', hostname: 'h2' }

const FITS: readonly (readonly [text: string, onR1: boolean, onBare: boolean])[] = [
  ['rack=r1', true, false],
  ['rack=r', false, false],
  ['rack=', false, false],
  ['rack!=r1', false, true],
  ['rack!=r2', true, true],
  ['rack~r\\d', true, false],
  ['rack~r', false, false],
  ['rack!~r\\d', false, true],
  ['rack!~x', true, true],
  ['rack', true, false],
  ['size=8', true, false],
  ['hostname=h2', false, true],
  ['hostname~h[1-9]', true, true],
  ['agent=a1', true, false],
  ['agent!=a1', false, true],
  ['rack:unique', true, false],
]
for (const [text, onR1, onBare] of FITS)
  test(`${text} fits where rack is r1: ${onR1}; where there is none: ${onBare}`, (t) => {
    t.is(a([text]).offer(FOUR_CPUS, R1).placed.length, onR1 ? 1 : 0)
    t.is(a([text]).offer(FOUR_CPUS, BARE).placed.length, onBare ? 1 : 0)
  })

test('all of several must hold', (t) => {
  t.is(a(['rack=r1', 'hostname=h2']).offer(FOUR_CPUS, R1).placed.length, 0)
  t.is(a(['rack=r1', 'hostname=h1']).offer(FOUR_CPUS, R1).placed.length, 1)
})

test('an offer that does not fit is declined with the constraint that it does not meet', (t) => {
  const run = a(['rack=r9', 'zone'])
  const reason = 'rack=r9 wanted, rack is r1; zone wanted, it has no zone'
  t.is(run.offer(FOUR_CPUS, R1).all('decline')[0]?.reason, reason)
})

test('a reason is as long as a decline may say', (t) => {
  const run = a([`rack=${'x'.repeat(1_000)}`]).offer(FOUR_CPUS, R1)
  t.is(run.all('decline')[0]?.reason.length, 256)
})

test('unique: one for each value, until it has ended', (t) => {
  const run = a(['hostname:unique'], 3).offer(FOUR_CPUS, R1)
  t.deepEqual(run.placed, ['run-0'])
  const again = run.offer(FOUR_CPUS, R1)
  t.is(
    again.all('decline')[0]?.reason,
    'hostname:unique wanted, hostname h1 has its instances already',
  )
  t.deepEqual(run.offer(FOUR_CPUS, BARE).placed, ['run-1'])
  run.status('run-0', 'TASK_FINISHED')
  t.is(run.all('revive').length, 1, 'who was declined for it is to be offered again')
  t.deepEqual(run.offer(FOUR_CPUS, R1).placed, ['run-2'])
})

test('max=N: so many for each value', (t) => {
  const run = a(['rack:max=2'], 5).offer(FOUR_CPUS, R1)
  t.deepEqual(run.placed, ['run-0', 'run-1'])
  t.deepEqual(run.offer(FOUR_CPUS, { ...R1, agentId: 'a3' }).placed, [])
  const other = { ...R1, attributes: { rack: 'r2' } }
  t.deepEqual(run.offer(FOUR_CPUS, other).placed, ['run-2', 'run-3'])
})

test('an instance that was dropped leaves its place', (t) => {
  const run = a(['hostname:unique'], 1).offer(FOUR_CPUS, R1)
  run.status('run-0', 'TASK_DROPPED', { source: 'master' })
  t.deepEqual(run.offer(FOUR_CPUS, R1).placed, ['run-0-2'])
})

test('what is no constraint says what is one', (t) => {
  for (const text of [
    '',
    '=x',
    'a b',
    'rack:',
    'rack:max',
    'rack:max=0',
    'rack:often',
    'rack!',
    'rack<3',
  ])
    t.regex((parseConstraint(text) as { message: string }).message, /is none of NAME=VALUE, /, text)
  t.like(parseConstraint('rack~('), { message: '"rack~(" holds no regular expression' })
  t.like(parseConstraint(`rack~${'x'.repeat(257)}`), { name: 'invalid' })
  t.like(parseConstraint(`rack=${'x'.repeat(1_025)}`), { name: 'invalid' })
})
