import test from 'ava'
import type { Phase } from '../../../../actors/allocator/effects.ts'
import { startAllocator } from '../../../../actors/allocator/main.ts'
import { type Messenger, openMessenger } from '../../../../bus/messenger.ts'
import { randomToken } from '../../../../bus/random.ts'
import { SimulatedClock } from '../../../../bus/simulated/clock.ts'
import { SimulatedSystem } from '../../../../bus/simulated/system.ts'
import type { SessionId } from '../../../../protocol/ids.ts'
import type { AllocatorFigure } from '../../../../protocol/schema/allocator.ts'
import { allocatorFigures, allocatorReports, leaderBeat } from '../../../../protocol/subjects.ts'
import { aBeat, allocationsOf, aMember, anAgent, answered, LEADER, pairs } from './harness.ts'

const cluster = 'test'

/** A leader of one agent and one framework, which confirms whoever opens. */
function lead(messenger: Messenger, clock: SimulatedClock) {
  const offered: string[] = []
  let session: SessionId | undefined
  let said = 0
  let heard = 0
  const say = (...figures: AllocatorFigure[]): void => {
    if (session === undefined) return
    said += 1
    messenger.send(allocatorFigures, { cluster }, { ...LEADER, session, n: said, heard, figures })
  }
  messenger.listen(allocatorReports, { cluster }, (body) => {
    const [first] = body.reports
    if (first?.kind === 'open') {
      if (session === body.session) return
      session = body.session
      said = 0
      heard = 1
      const confirmed = { version: 1, pingMs: 1_000, pingsMissedMax: 3, minAllocatable: [] }
      say({ kind: 'opened', ...confirmed }, ...anAgent('a1'), aMember('f1'), { kind: 'complete' })
    } else if (body.session === session) {
      heard = body.n ?? 0
      const allocations = allocationsOf(body.reports)
      offered.push(...pairs(allocations))
      const made = allocations.map(({ allocation }) => allocation)
      if (made.length > 0)
        say(...anAgent('a1', { version: 2, free: [] }), answered('made', ...made))
    }
  })
  const beat = (): void => {
    messenger.send(
      leaderBeat,
      { cluster },
      aBeat(session === undefined ? {} : { allocator: session }),
    )
    say({ kind: 'ping' })
    clock.after(1_000, beat)
  }
  beat()
  return {
    offered,
    /** The allocator was silent for too long. */
    forget: (): void => {
      session = undefined
    },
  }
}

test('of two allocators one allocates; the other takes over when the leader lost the first', async (t) => {
  const clock = new SimulatedClock()
  const system = new SimulatedSystem(clock)
  const pass = (ms: number): Promise<void> => clock.runUntil(clock.now().monotonicMs + ms)
  const start = async () => {
    const phases: Phase[] = []
    const onPhase = (phase: Phase): void => void phases.push(phase)
    const options = { cluster, system, clock, randomToken, onPhase }
    return { phases, allocator: await clock.runFor(startAllocator(options)) }
  }
  const [a, b] = [await start(), await start()]
  const bus = await clock.runFor(system.connect({ name: 'leader' }))
  const messenger = openMessenger({ bus, clock, randomToken, isOpen: false, onRefused: t.fail })
  const leader = lead(messenger, clock)
  await pass(5_000)
  const ends = [a, b].map(({ phases }) => phases.at(-1) ?? 'standing-by')
  t.deepEqual(
    ends.toSorted((x, y) => x.localeCompare(y)),
    ['allocating', 'standing-by'],
  )
  t.deepEqual(new Set(leader.offered), new Set(['f1:a1']))

  const [first, second] = a.phases.at(-1) === 'allocating' ? [a, b] : [b, a]
  await clock.runFor(first.allocator.stop())
  leader.forget()
  leader.offered.length = 0
  await pass(5_000)
  t.is(second.phases.at(-1), 'allocating')
  t.deepEqual(leader.offered, ['f1:a1'])
  await clock.runFor(second.allocator.stop())
})

test('a reconnect opens another session', async (t) => {
  const clock = new SimulatedClock()
  const system = new SimulatedSystem(clock)
  const pass = (ms: number): Promise<void> => clock.runUntil(clock.now().monotonicMs + ms)
  const phases: Phase[] = []
  const onPhase = (phase: Phase): void => void phases.push(phase)
  const bus = await clock.runFor(system.connect({ name: 'leader' }))
  lead(openMessenger({ bus, clock, randomToken, isOpen: false, onRefused: t.fail }), clock)
  await clock.runFor(startAllocator({ cluster, system, clock, randomToken, onPhase }))
  await pass(3_000)
  t.deepEqual(phases, ['opening', 'allocating'])
  system.crash()
  system.restart()
  await pass(3_000)
  t.deepEqual(phases.slice(2), ['opening', 'allocating'])
})
