/** A user's policy may throw, loop and lie: the core goes on without it. */
import test from 'ava'
import { contain } from '../../../../actors/allocator/policies/contain.ts'
import { drf } from '../../../../actors/allocator/policies/drf.ts'
import { fallBack } from '../../../../actors/allocator/policies/fall-back.ts'
import { guarded, PolicyFailure } from '../../../../actors/allocator/policies/guard.ts'
import type { Policy, RoleStanding } from '../../../../actors/allocator/policy.ts'
import { newState } from '../../../../actors/allocator/state.ts'
import type { Core } from '../../../../actors/parts/core.ts'
import type { AgentId } from '../../../../protocol/ids.ts'
import { SEED } from './harness.ts'

const ROLE: RoleStanding = { role: 'web', name: 'web', depth: 1, share: 0, weight: 1, given: 0 }
const NOW = { monotonicMs: 0, wallMs: 0 }
const PATIENCE_MS = 100

type State = { policy: Policy; asked: number }
type Input = { readonly kind: 'ask' }

/** Asks the policy once for each input. */
const asking: Core<State, Input, string> = {
  handle(state) {
    state.asked += 1
    return [`rank ${state.policy.rankRole(ROLE)}`]
  },
  wakeAtMs: () => undefined,
  wantsFlush: () => false,
}

const fair: Policy = { name: 'fair', rankRole: () => 1, rankMember: () => 1 }

function contained(rankRole: Policy['rankRole']) {
  const { policy, asking: whom } = guarded({ ...fair, rankRole })
  const state: State = { policy, asked: 0 }
  const core = contain({
    core: asking,
    asking: whom,
    fallBack(before, problem) {
      before.policy = fair
      return [`fell back: ${problem}`]
    },
    beginAnew: () => ['began anew'],
    inputMsMax: PATIENCE_MS,
  })
  return { state, ask: (now = NOW) => core.handle(state, { kind: 'ask' }, now) }
}

/** Not even what it catches keeps it alive. */
const loopsStubbornly = (): number => {
  for (;;) {
    try {
      for (;;);
    } catch {
      // It goes on whatever happens.
      loopsStubbornly()
    }
  }
}

const BAD: Readonly<Record<string, readonly [Policy['rankRole'], string]>> = {
  throws: [
    () => {
      throw new Error('boom')
    },
    'rankRole for web threw Error: boom',
  ],
  'throws what cannot be shown': [
    () => {
      throw Object.create(null)
    },
    'rankRole for web threw some object',
  ],
  'gives NaN': [() => Number.NaN, 'rankRole for web gave NaN, not a finite number'],
  'gives text': [(() => '1') as never, 'rankRole for web gave "1", not a finite number'],
  'calls itself for ever': [
    function again(standing): number {
      return again({ ...standing, depth: standing.depth + 1 }) + 1
    },
    'rankRole for web threw RangeError: Maximum call stack size exceeded',
  ],
  tampers: [
    (standing) => {
      ;(standing as { weight: number }).weight = 5
      return 1
    },
    "rankRole for web threw TypeError: Cannot assign to read only property 'weight' of object '#<Object>'",
  ],
  loops: [loopsStubbornly, `rankRole for web took more than ${PATIENCE_MS} ms`],
  'loops in a regular expression': [
    () => Number(/^(a+)+$/.test(`${'a'.repeat(60)}b`)),
    `rankRole for web took more than ${PATIENCE_MS} ms`,
  ],
}
for (const [what, [rankRole, problem]] of Object.entries(BAD))
  test(`a policy that ${what} is named, and not asked again`, (t) => {
    const { state, ask } = contained(rankRole)
    let said = ask()
    // Where others take the processor, time is over before it was used.
    if (said[0] === 'began anew') said = ask()
    t.deepEqual(said, [`fell back: ${problem}`])
    const { asked } = state
    t.deepEqual(ask(), ['rank 1'])
    t.is(state.asked, asked + 1)
  })

test('a policy that works is asked, and sees nothing but what a policy may see', (t) => {
  let seen: RoleStanding | undefined
  const { policy } = guarded({
    ...fair,
    rankRole(standing) {
      seen = standing
      return 3
    },
  })
  t.is(policy.rankRole({ ...ROLE, children: [] } as RoleStanding), 3)
  t.deepEqual(seen, ROLE)
  t.true(Object.isFrozen(seen))
})

test('what an agent has free and has at all cannot be changed either', (t) => {
  const [free, total] = [{ cpus: 1 }, { cpus: 4 }]
  const standing = { agentId: 'a1' as AgentId, hostname: 'h', free, total, fill: 0.75 }
  for (const amounts of ['free', 'total'] as const) {
    const { policy } = guarded({
      ...fair,
      rankAgent: (seen) => Object.assign(seen[amounts], { cpus: 0 })['cpus'],
    })
    t.throws(() => policy.rankAgent?.(standing), { instanceOf: PolicyFailure })
  }
  t.deepEqual([free, total], [{ cpus: 1 }, { cpus: 4 }])
})

test('a process that was stopped is forgiven once in a while, and blamed when it comes often', (t) => {
  const nothing = new Int32Array(new SharedArrayBuffer(4))
  const waits = (): number => {
    for (;;) Atomics.wait(nothing, 0, 0, 10)
  }
  const { ask } = contained(waits)
  t.deepEqual(ask(), ['began anew'])
  t.deepEqual(ask({ monotonicMs: 1_000, wallMs: 0 }), [
    `fell back: rankRole for web took more than ${PATIENCE_MS} ms`,
  ])
})

test('what broke off is named once: what is late after it is no fault of its', (t) => {
  const { policy, asking: whom } = guarded({ ...fair, rankRole: () => Number.NaN })
  t.throws(() => policy.rankRole(ROLE), { instanceOf: PolicyFailure })
  t.is(whom(), 'rankRole for web')
  t.is(whom(), undefined)
})

test('a policy that failed is not asked again, also where there was no session to close', (t) => {
  const state = newState(SEED, fair)
  t.deepEqual(fallBack(state, 'one turn took too long', NOW), [
    { do: 'tell-failure', policy: 'fair', problem: 'one turn took too long' },
  ])
  t.is(state.books.tree.policy, drf)
})

test("a bug that is not the policy's passes on", (t) => {
  const core = contain({
    core: { ...asking, handle: () => t.context as never },
    asking: () => undefined,
    fallBack: () => [],
    beginAnew: () => [],
  })
  t.notThrows(() => core.handle({ policy: fair, asked: 0 }, { kind: 'wake' }, NOW))
  const broken = contain({
    core: {
      ...asking,
      handle() {
        throw new TypeError('a bug')
      },
    },
    asking: () => undefined,
    fallBack: () => t.fail() as never,
    beginAnew: () => [],
  })
  const error = t.throws(() => broken.handle({ policy: fair, asked: 0 }, { kind: 'wake' }, NOW))
  t.false(error instanceof PolicyFailure)
})
