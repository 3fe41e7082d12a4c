/** The project's policies and the example's, and that the contract finds what breaks it. */
import test from 'ava'
import { brokenPromises } from '../../actors/allocator/policies/contract.ts'
import { readPolicy, tryPolicy } from '../../actors/allocator/policies/load.ts'
import { parsePolicy, policyOf } from '../../actors/allocator/policies/words.ts'
import type { Policy } from '../../actors/allocator/policy.ts'
import { systemClock } from '../../bus/clock.ts'
import { policyContract } from './policy-contract.ts'

const EXAMPLE = 'examples/policy/prod-first.js'

for (const text of ['drf', 'priority', 'drf,spread', 'priority,binpack']) {
  const choice = parsePolicy(text)
  if ('code' in choice) throw new Error(choice.message)
  policyContract(test, text, () => policyOf(choice))
}

policyContract(test, EXAMPLE, async () => {
  const example = await readPolicy(EXAMPLE)
  if (typeof example === 'string') throw new Error(example)
  return example
})

test(`${EXAMPLE}: it passes as a user's does, in a thread of its own`, async (t) => {
  t.deepEqual(await tryPolicy(EXAMPLE, systemClock), [])
})

const share = { rankRole: () => 0, rankMember: () => 0 }
let calls = 0
const BAD: Readonly<Record<string, readonly [Partial<Policy>, RegExp]>> = {
  'gives NaN': [{ rankRole: ({ share }) => share / 0 }, /finite.*rankRole gave NaN for \{"role"/],
  'gives a promise': [
    { rankMember: (async () => 1) as unknown as Policy['rankMember'] },
    /finite.*rankMember gave \[object Promise\]/,
  ],
  'is infinite for an agent': [{ rankAgent: ({ fill }) => 1 / fill }, /rankAgent gave Infinity/],
  counts: [{ rankMember: () => calls++ }, /rests on nothing but the standing.*rankMember gave/],
  tampers: [
    {
      rankAgent(standing) {
        ;(standing.total as Record<string, number>)['cpus'] = 0
        return 0
      },
    },
    /left as it was.*rankAgent changed/,
  ],
  'gives to whoever has': [
    { rankRole: ({ share }) => -share },
    /does not come sooner.*a share of 0.001 than for one of 0/,
  ],
}
for (const [what, [bad, expected]] of Object.entries(BAD))
  test(`a policy that ${what} is found out`, (t) => {
    const problems = brokenPromises({ name: 'bad', ...share, ...bad })
    t.regex(problems.join('\n'), expected)
  })
