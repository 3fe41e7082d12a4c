/** A shadow beside an allocator: both hear one leader, and one of them only says what it would. */
import test from 'ava'
import { drf } from '../../../../actors/allocator/policies/drf.ts'
import { spread } from '../../../../actors/allocator/policies/placements.ts'
import { priority } from '../../../../actors/allocator/policies/priority.ts'
import type { Policy } from '../../../../actors/allocator/policy.ts'
import { fallBack, type ShadowInput, shadowCore } from '../../../../actors/allocator/shadow/core.ts'
import type { ShadowEffect } from '../../../../actors/allocator/shadow/effects.ts'
import { newShadow } from '../../../../actors/allocator/shadow/state.ts'
import type { CommonInput } from '../../../../actors/parts/core.ts'
import type { SessionId } from '../../../../protocol/ids.ts'
import { RETELL_MS, SHADOW_REPORT_MS } from '../../../../protocol/limits.ts'
import type { AllocatorFigure } from '../../../../protocol/schema/allocator.ts'
import type { Allocation } from '../../../../protocol/schema/master.ts'
import type { ShadowReport } from '../../../../protocol/schema/shadow.ts'
import {
  aBeat,
  aMember,
  anAgent,
  answered,
  cpusMem,
  framework,
  LEADER,
  type Said,
  SEED,
} from './harness.ts'

const SESSION = '00000000000000b1' as SessionId
const RETELLING: AllocatorFigure = { kind: 'retelling', minAllocatable: [] }
const COMPLETE = { kind: 'complete' } as const
const WEB = { role: 'web' }
const BATCH = { role: 'batch' }
const role = (name: string, weight: number): AllocatorFigure => ({
  kind: 'role',
  role: name,
  weight,
  guarantee: {},
  limit: {},
})

class Shadow {
  readonly state
  nowMs = 1_000
  said = 0
  session = SESSION
  readonly effects: ShadowEffect[] = []

  constructor(policy: Policy) {
    this.state = newShadow(SEED, policy)
  }

  get now() {
    return { monotonicMs: this.nowMs, wallMs: 1e12 + this.nowMs }
  }

  input(input: ShadowInput | CommonInput): void {
    this.effects.push(...shadowCore.handle(this.state, input, this.now))
    while (shadowCore.wantsFlush(this.state))
      this.effects.push(...shadowCore.handle(this.state, { kind: 'flush' }, this.now))
  }

  beat(allocator: SessionId | undefined = this.session): void {
    this.input({ kind: 'beat', beat: aBeat(allocator === undefined ? {} : { allocator }) })
  }

  hear(...figures: readonly Said[]): void {
    this.said += 1
    const numbers = { session: this.session, n: this.said, heard: 0 }
    this.input({ kind: 'figures', message: { ...LEADER, ...numbers, figures: figures.flat() } })
  }

  /** What the real allocator says. */
  real(allocation: number, name: string, agent: string, more: Partial<Allocation> = {}): void {
    const [, { agentId, version, free }] = anAgent(agent)
    const made = { allocation, agentId, agentVersion: version, resources: free }
    this.realAll({ ...framework(name), ...made, ...more })
  }

  realAll(...allocations: Allocation[]): void {
    const reports = [{ kind: 'allocate' as const, allocations }]
    this.input({ kind: 'reports', message: { session: this.session, n: 1, heard: 0, reports } })
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      const atMs = shadowCore.wakeAtMs(this.state)
      if (atMs === undefined || atMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, atMs)
      this.input({ kind: 'wake' })
    }
    this.nowMs = untilMs
  }

  get asks(): number {
    return this.effects.filter((effect) => effect.do === 'ask').length
  }

  get report(): ShadowReport {
    this.pass(SHADOW_REPORT_MS)
    const last = this.effects.findLast((effect) => effect.do === 'publish')
    if (last === undefined) throw new Error('it says nothing')
    return last.report
  }
}

/** Told of two members of two roles, of which `web` weighs more, and holds more already. */
function comparing(policy: Policy): Shadow {
  const shadow = new Shadow(policy)
  shadow.beat()
  shadow.hear(
    RETELLING,
    role('web', 5),
    aMember('shop', { ...WEB, allocated: [{ name: 'cpus', scalar: 40 }] }),
    aMember('night', BATCH),
    anAgent('a0', { total: [{ name: 'cpus', scalar: 100 }], free: [] }),
    anAgent('a1'),
    COMPLETE,
  )
  return shadow
}

test('it asks the leader to tell everything, again until it is told, and then no more', (t) => {
  const shadow = new Shadow(drf)
  shadow.beat()
  shadow.pass(600)
  t.is(shadow.asks, 1)
  shadow.hear(anAgent('a1'))
  shadow.pass(RETELL_MS + 1_000)
  t.is(shadow.asks, 2)
  t.is(shadow.report.phase, 'waiting')
  shadow.hear(RETELLING, anAgent('a1'))
  t.is(shadow.report.phase, 'waiting')
  shadow.hear(COMPLETE)
  t.is(shadow.report.phase, 'comparing')
  shadow.pass(10 * RETELL_MS)
  t.is(shadow.asks, 2)
})

test('without an allocator there is nobody to be told of: it waits for the next session', (t) => {
  const shadow = new Shadow(drf)
  shadow.input({ kind: 'beat', beat: aBeat() })
  shadow.pass(60_000)
  t.is(shadow.asks, 0)
  shadow.hear(
    { kind: 'opened', version: 1, pingMs: 1_000, pingsMissedMax: 3, minAllocatable: [] },
    anAgent('a1'),
    COMPLETE,
  )
  t.is(shadow.report.phase, 'comparing')
  t.is(shadow.asks, 0)
})

for (const [what, lose] of [
  ['a gap', (shadow: Shadow) => void (shadow.said += 1)],
  [
    'another session',
    (shadow: Shadow) => {
      shadow.session = '00000000000000b2' as SessionId
      shadow.said = 6
    },
  ],
  ['a reconnect', (shadow: Shadow) => shadow.input({ kind: 'reconnected' })],
] as const)
  test(`after ${what} it is told anew, and what was compared stays`, (t) => {
    const shadow = comparing(priority)
    shadow.real(1, 'night', 'a1', BATCH)
    lose(shadow)
    shadow.hear(anAgent('a1', { version: 2, free: [] }))
    shadow.beat()
    t.like(shadow.report, { phase: 'waiting', different: 1, same: 0 })
    t.is(shadow.asks, 1)
    shadow.hear(RETELLING, aMember('night', BATCH), anAgent('a1'), COMPLETE)
    t.is(shadow.report.phase, 'comparing')
  })

test('the same policy decides the same: for the same member, and it counts', (t) => {
  const shadow = comparing(drf)
  shadow.real(1, 'night', 'a1', BATCH)
  const { same, different, members, differences } = shadow.report
  t.deepEqual({ same, different, differences }, { same: 1, different: 0, differences: [] })
  const given = { allocations: 1, cpus: 4, mem: 4096 }
  t.deepEqual(members, [{ ...framework('night'), ...BATCH, real: given, shadow: given }])
})

test('another policy decides otherwise: who would have got it is said', (t) => {
  const shadow = comparing(priority)
  shadow.real(1, 'night', 'a1', BATCH)
  const { same, different, differences, members } = shadow.report
  t.deepEqual({ same, different }, { same: 0, different: 1 })
  t.like(differences[0], { agentId: 'a1', agentVersion: 1 })
  t.deepEqual(differences[0]?.real, [{ ...framework('night'), ...BATCH }])
  t.deepEqual(differences[0]?.shadow, [{ ...framework('shop'), ...WEB }])
  t.deepEqual(
    members.map(({ frameworkId, real, shadow: would }) => [
      frameworkId as string,
      real.allocations,
      would.allocations,
    ]),
    [
      ['night', 1, 0],
      ['shop', 0, 1],
    ],
  )
})

test('each next decision rests on the real ones before it, not on what it would have done', (t) => {
  const shadow = comparing(drf)
  // By its share the other one is next, whatever the shadow has said.
  shadow.hear(aMember('shop', { ...WEB, suppressed: true }))
  shadow.hear(aMember('day', { role: 'other' }), anAgent('a2'), anAgent('a3'), anAgent('a4'))
  shadow.real(1, 'day', 'a1', { role: 'other' })
  shadow.real(2, 'night', 'a2', BATCH)
  t.like(shadow.report, { same: 2, different: 0 })
  shadow.real(3, 'night', 'a3', BATCH)
  t.like(shadow.report, { same: 3, different: 0 })
  shadow.real(4, 'night', 'a4', BATCH)
  t.like(shadow.report, { same: 3, different: 1 })
})

test('of two who stand alike one has to be first: that is no difference', (t) => {
  const shadow = comparing(drf)
  shadow.hear(aMember('day', { role: 'other' }))
  shadow.real(1, 'day', 'a1', { role: 'other' })
  shadow.hear(anAgent('a1', { version: 2 }))
  shadow.hear(aMember('day', { role: 'other' }), aMember('night', BATCH))
  shadow.real(2, 'day', 'a1', { role: 'other', agentVersion: 2 })
  t.like(shadow.report, { same: 2, different: 0 })
})

test('agents that nobody was given are not decided on', (t) => {
  const shadow = comparing(priority)
  for (let version = 2; version <= 30; version++) shadow.hear(anAgent('a1', { version }))
  t.like(shadow.report, { same: 0, different: 0, withheld: 0, missed: 0 })
})

test('a decision that is heard before its figure waits for it, and one behind it is missed', (t) => {
  const shadow = comparing(drf)
  shadow.real(1, 'night', 'a1', { ...BATCH, agentVersion: 2 })
  shadow.real(2, 'shop', 'new', WEB)
  t.like(shadow.report, { same: 0, missed: 0 })
  shadow.hear(anAgent('a1', { version: 2 }))
  t.like(shadow.report, { same: 1, missed: 0 })
  shadow.hear(anAgent('new'))
  t.like(shadow.report, { same: 2, missed: 0 })
  shadow.real(3, 'night', 'a1', BATCH)
  t.like(shadow.report, { same: 2, missed: 1 })
})

test('what it would have given to nobody is said; what was refused may be given again', (t) => {
  const shadow = comparing(drf)
  shadow.real(1, 'night', 'a1', BATCH)
  shadow.hear(answered('refused', 1))
  shadow.real(2, 'night', 'a1', BATCH)
  t.like(shadow.report, { same: 2, withheld: 0 })
  shadow.hear(anAgent('a1', { version: 2 }))
  shadow.hear(aMember('night', { ...BATCH, suppressed: true }))
  shadow.hear(aMember('shop', { ...WEB, suppressed: true }))
  shadow.real(3, 'night', 'a1', { ...BATCH, agentVersion: 2 })
  t.like(shadow.report, { same: 2, withheld: 1 })
  t.deepEqual(shadow.report.differences[0]?.shadow, [])
})

test('placement: of agents that were given together it says who would have got which', (t) => {
  const shadow = comparing({ ...drf, ...spread })
  shadow.hear(aMember('day', { role: 'other', allocated: cpusMem(1, 1) }))
  shadow.hear(anAgent('half', { free: cpusMem(2, 2048) }))
  const [, half] = anAgent('half', { free: cpusMem(2, 2048) })
  const [, whole] = anAgent('a1')
  const allocation = (
    number: number,
    name: string,
    role: string,
    { agentId, free }: typeof half,
  ) => ({
    ...framework(name),
    role,
    allocation: number,
    agentId,
    agentVersion: 1,
    resources: free,
  })
  shadow.realAll(allocation(1, 'night', 'batch', half), allocation(2, 'day', 'other', whole))
  t.like(shadow.report, { different: 2, same: 0 })
})

test('that others are told anew means nothing to it, and no figure is too old', (t) => {
  const shadow = comparing(priority)
  shadow.hear(RETELLING, aMember('shop', WEB), anAgent('a1'), COMPLETE)
  shadow.real(1, 'shop', 'a1', WEB)
  t.like(shadow.report, { same: 1, phase: 'comparing' })
})

test('that a session was over, which somebody opened late, means nothing to it', (t) => {
  const shadow = comparing(drf)
  shadow.input({
    kind: 'figures',
    message: {
      ...LEADER,
      session: '00000000000000b4' as SessionId,
      n: 1,
      heard: 1,
      figures: [{ kind: 'closed' }],
    },
  })
  shadow.real(1, 'night', 'a1', BATCH)
  t.like(shadow.report, { same: 1, phase: 'comparing' })
})

test('a leader that was deposed is not heard', (t) => {
  const shadow = comparing(drf)
  shadow.input({ kind: 'beat', beat: aBeat({ epoch: LEADER.epoch + 1 }) })
  shadow.hear(RETELLING, anAgent('a1'), COMPLETE)
  t.is(shadow.report.phase, 'waiting')
})

test('a deposed leader does not say whom it has: nobody is asked for its sake', (t) => {
  const shadow = new Shadow(drf)
  shadow.input({ kind: 'beat', beat: aBeat({ epoch: LEADER.epoch + 1 }) })
  shadow.beat()
  shadow.pass(600)
  t.is(shadow.asks, 0)
})

test('what an allocator says outside the session, and what is heard twice, counts for nothing', (t) => {
  const shadow = comparing(drf)
  shadow.session = '00000000000000b3' as SessionId
  shadow.real(1, 'night', 'a1', BATCH)
  shadow.session = SESSION
  t.like(shadow.report, { same: 0, different: 0 })
  shadow.hear(aMember('night', { ...BATCH, suppressed: true }))
  shadow.hear(aMember('night', BATCH))
  shadow.said -= 2
  shadow.hear(aMember('night', { ...BATCH, suppressed: true }))
  shadow.real(1, 'night', 'a1', BATCH)
  t.like(shadow.report, { same: 1, withheld: 0 })
})

test('one that is much too far behind begins anew', (t) => {
  const shadow = comparing(drf)
  for (let i = 0; i <= 10_000; i++) {
    shadow.said += 1
    const numbers = { session: SESSION, n: shadow.said, heard: 0 }
    const message = { ...LEADER, ...numbers, figures: [aMember('day')].flat() }
    shadowCore.handle(shadow.state, { kind: 'figures', message }, shadow.now)
  }
  t.deepEqual(shadow.state.heard, [])
  t.is(shadow.report.phase, 'waiting')
})

test('a policy that failed is named, and the comparison begins anew with the default', (t) => {
  const shadow = comparing(priority)
  shadow.real(1, 'shop', 'a1', WEB)
  shadow.effects.push(...fallBack(shadow.state, 'rankRole for web gave NaN', shadow.now))
  t.deepEqual(
    shadow.effects.filter((effect) => effect.do === 'tell-failure'),
    [{ do: 'tell-failure', policy: 'priority', problem: 'rankRole for web gave NaN' }],
  )
  const { policy, problem, same, sinceAtMs, atMs } = shadow.report
  t.is(sinceAtMs, atMs)
  t.deepEqual(
    { policy, problem, same },
    { policy: 'drf', problem: 'priority: rankRole for web gave NaN', same: 0 },
  )
})
