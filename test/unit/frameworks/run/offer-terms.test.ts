/** What a run tells the leader of its wishes, and when it looks at what does not fit. */
import test from 'ava'
import { parseConstraint } from '../../../../frameworks/run/constraints.ts'
import { termsOf } from '../../../../frameworks/run/offer-terms.ts'
import { type Plan, wantedOf } from '../../../../frameworks/run/state.ts'
import { FOUR_CPUS, Run } from './given.ts'

const constraint = (text: string) => {
  const parsed = parseConstraint(text)
  if ('code' in parsed) throw new Error(parsed.message)
  return parsed
}
const planOf = (texts: readonly string[], gpus = 0): Plan => {
  const constraints = texts.map(constraint)
  return new Run({}, 1, { constraints, wanted: wantedOf({ cpus: 1, mem: 32, gpus }) }).state.plan
}
const toldOf = (...texts: string[]) => termsOf(planOf(texts), 'web').constraints?.['web']?.[0]

const TOLD: readonly (readonly [text: string, told: object])[] = [
  ['rack=r1', { attribute: 'rack', equals: 'r1' }],
  ['rack=', { attribute: 'rack', equals: '' }],
  ['rack!=r1', { attribute: 'rack', notEquals: 'r1' }],
  ['hostname=h1', { attribute: 'hostname', equals: 'h1' }],
  ['rack~r[12]|x(?:a|b)+', { attribute: 'rack', matches: '(?s)r[12]|x(?:a|b)+' }],
  ['rack!~r\\d\\.', { attribute: 'rack', notMatches: '(?s)r\\d\\.' }],
  ['rack', { attribute: 'rack', exists: true }],
  ['rack:unique', { attribute: 'rack', exists: true }],
  ['rack:max=3', { attribute: 'rack', exists: true }],
]
for (const [text, told] of TOLD)
  test(`${text} is told to the leader`, (t) => {
    t.deepEqual(toldOf(text), [told as never])
  })

for (const text of [
  'agent=a1',
  'agent',
  'hostname:unique',
  'rack~(?=r)r1',
  'rack~(?<name>r)1',
  'rack~r\\s1',
  'rack~r{1,3}',
  'rack~\\u0041',
  'rack~[[:a]',
  'rack~[^]',
  `rack~${'r'.repeat(65)}`,
])
  test(`${text} is not told: the leader may not know it, or read it otherwise`, (t) => {
    t.deepEqual(termsOf(planOf([text]), '*'), {})
  })

test('all that can be told must hold; a long list is told in part', (t) => {
  t.is(toldOf('rack=r1', 'agent=a1', 'zone')?.length, 2)
  t.is(toldOf(...Array.from({ length: 20 }, (_, i) => `a${i}=x`))?.length, 8)
})

test('who wants GPUs says so, and who names a region', (t) => {
  t.deepEqual(termsOf(planOf([], 2), '*'), { capabilities: ['GPU_RESOURCES'] })
  t.deepEqual(termsOf(planOf(['region=b'], 1), '*').capabilities, ['GPU_RESOURCES', 'REGION_AWARE'])
})

test('of several attributes of one name any may be as wanted, and none as not wanted', (t) => {
  const place = {
    agentId: 'a1' as never,
    hostname: 'h1',
    attributes: [
      { name: 'disk', text: 'ssd' },
      { name: 'disk', text: 'tape' },
    ],
  }
  const passes = (text: string): boolean => {
    const one = constraint(text)
    return one.kind === 'value' && one.passes(place.attributes.map((attribute) => attribute.text))
  }
  t.true(passes('disk=tape'))
  t.true(passes('disk~t.*'))
  t.false(passes('disk!=tape'))
  t.false(passes('disk!~t.*'))
  t.true(passes('disk!=nvme'))
})

test('without an offer after a while, what does not fit is looked at, and no longer than that', (t) => {
  const run = new Run({}, 1, { constraints: [constraint('rack=r9')] })
  t.is(run.all('look-around-after')[0]?.delayMs, 300)
  t.deepEqual(run.input({ kind: 'look-around' }).effects, [{ do: 'constrain', isOn: false }])
  run.offer(FOUR_CPUS, { attributes: { rack: 'r1' } })
  run.input({ kind: 'look' })
  t.deepEqual(run.all('constrain'), [{ do: 'constrain', isOn: true }])
  run.input({ kind: 'why', why: undefined })
  t.is(run.all('tell-waiting')[0]?.why, 'no agent fits rack=r9: where there are offers, rack is r1')
  t.deepEqual(run.input({ kind: 'look' }).all('constrain'), [])
})

test('whoever has an offer, or tells no constraint, need not look around', (t) => {
  const constraints = [constraint('rack=r1')]
  const offered = new Run({ cpus: 8 }, 1, { constraints })
  offered.offer(FOUR_CPUS, { attributes: { rack: 'r1' } })
  t.deepEqual(offered.input({ kind: 'look-around' }).effects, [])
  const placed = new Run({}, 1, { constraints })
  placed.offer(FOUR_CPUS, { attributes: { rack: 'r1' } })
  t.deepEqual(placed.input({ kind: 'look-around' }).effects, [])
  t.deepEqual(
    new Run({}, 1, { constraints: [constraint('agent=a1')] }).all('look-around-after'),
    [],
  )
})
