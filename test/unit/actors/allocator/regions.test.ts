import test from 'ava'
import { isForeign } from '../../../../actors/allocator/judging/eligibility.ts'
import type { Attribute } from '../../../../protocol/schema/common.ts'

const CASES: readonly (readonly [readonly Attribute[], string | undefined, boolean])[] = [
  [[], 'eu', false],
  [[{ name: 'region', text: 'eu' }], 'eu', false],
  [[{ name: 'region', text: 'us' }], 'eu', true],
  [[{ name: 'region', text: 'us' }], undefined, false],
  [[{ name: 'zone', text: 'us' }], 'eu', false],
  // A flag that reads like a number is one.
  [[{ name: 'region', scalar: 7 }], '7', false],
  [[{ name: 'region', scalar: 7 }], '8', true],
]

for (const [attributes, region, expected] of CASES) {
  const what = `${JSON.stringify(attributes)} is ${expected ? 'foreign' : 'at home'}`
  test(`${what} in ${region ?? 'a cluster without regions'}`, (t) => {
    t.is(isForeign(attributes, region), expected)
  })
}
