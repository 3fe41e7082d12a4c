import test from 'ava'
import { parsePolicy, policyOf } from '../../../../actors/allocator/policies/words.ts'
import type { RoleStanding } from '../../../../actors/allocator/policy.ts'

const GOOD = {
  drf: { order: 'drf' },
  priority: { order: 'priority' },
  spread: { order: 'drf', placement: 'spread' },
  'drf,binpack': { order: 'drf', placement: 'binpack' },
  'binpack,priority': { order: 'priority', placement: 'binpack' },
  './mine.js': { order: { path: './mine.js' } },
  'mine.mjs,spread': { order: { path: 'mine.mjs' }, placement: 'spread' },
  '/etc/bourse/policy': { order: { path: '/etc/bourse/policy' } },
} as const
for (const [text, choice] of Object.entries(GOOD))
  test(`${text} is understood`, (t) => {
    t.deepEqual(parsePolicy(text), { text, ...choice })
  })

const BAD = {
  'drf,priority': 'names two orders of roles',
  'drf,./mine.js': 'names two orders of roles',
  'drf,drf': 'names two orders of roles',
  'spread,binpack': 'names two placements',
  fair: 'is none of drf, priority, spread, binpack',
  'drf,': '"" is none of',
  '': '"" is none of',
  'drf, spread': '" spread" is none of',
  constructor: 'is none of',
} as const
for (const [text, why] of Object.entries(BAD))
  test(`"${text}" is refused: ${why}`, (t) => {
    const refused = parsePolicy(text)
    t.true('code' in refused && refused.message.includes(why))
  })

const aRole = (weight: number, share: number): RoleStanding => ({
  role: 'r',
  name: 'r',
  depth: 1,
  given: 0,
  weight,
  share,
})

test('priority: more weight comes first whatever is held; of equal weights the smaller share', (t) => {
  const choice = parsePolicy('priority')
  if ('code' in choice) return t.fail()
  const policy = policyOf(choice)
  const weights = [0.000_001, 0.001, 0.999_999, 1, 1.000_001, 2, 1_000, 999_999, 1e6]
  for (const [i, less] of weights.entries()) {
    for (const more of weights.slice(i + 1))
      t.true(
        policy.rankRole(aRole(more, 1)) < policy.rankRole(aRole(less, 0)),
        `${more} before ${less}`,
      )
    // One small task of 50,000 large machines.
    t.true(policy.rankRole(aRole(less, 0.5)) < policy.rankRole(aRole(less, 0.5 + 1e-6)))
    t.is(policy.rankRole(aRole(less, 1)), policy.rankRole(aRole(less, 7)))
  }
})
