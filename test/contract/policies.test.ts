/** The project's policies and the example's, and that the contract finds what breaks it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

const tried = (path: string, placement?: 'spread') =>
  tryPolicy({ text: path, order: { path }, ...(placement && { placement }) }, systemClock)

test(`${EXAMPLE}: it passes as a user's does, in a thread of its own`, async (t) => {
  t.deepEqual(await tried(EXAMPLE), [])
})

test('a module that ranks agents itself and a placement are one too many', async (t) => {
  t.deepEqual(await tried(EXAMPLE, 'spread'), ['it ranks agents itself: leave out spread'])
})

const MODULES = {
  'is not there': [undefined, /^there is no file \/.*mine\.js$/],
  'cannot be read': ['export default {', /^it cannot be loaded: SyntaxError/],
  'exports nothing': ['export const drf = 1', /^its default export is no object$/],
  'has a function too few': [
    'export default { rankRole: () => 1 }',
    /^it has no function rankMember/,
  ],
  'has a word for a function': [
    'export default { rankRole: () => 1, rankMember: () => 1, rankAgent: 1 }',
    /^its rankAgent is no function$/,
  ],
  throws: [
    'export default { rankRole() { throw Error("boom") }, rankMember: () => 1 }',
    /^it threw Error: boom$/,
  ],
  'ends its process': ['process.exit()', /^it ends its process$/],
  'collects without end': [
    'const all = []; for (;;) all.push(new Array(1e4).fill(all))',
    /^it threw .*memory/,
  ],
} as const
for (const [what, [source, expected]] of Object.entries(MODULES))
  test(`a module that ${what} is refused, and harms nobody`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'bourse-policy-'))
    t.teardown(() => rm(folder, { recursive: true }))
    const path = join(folder, 'mine.js')
    await writeFile(join(folder, 'package.json'), '{"type":"module"}')
    if (source !== undefined) await writeFile(path, source)
    const problems = await tried(path)
    t.is(problems.length, 1)
    t.regex(problems[0] ?? '', expected)
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
