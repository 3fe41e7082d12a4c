import test from 'ava'
import fc from 'fast-check'
import { SimulatedClock } from '../../../../bus/simulated/clock.ts'
import { ProcessClock } from '../../../../bus/simulated/process-clock.ts'

test('things run in order of their time, and of two at one time the first asked for', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 60 }), async (delays) => {
      const clock = new SimulatedClock()
      const seen: (readonly [number, number])[] = []
      for (const [i, delay] of delays.entries()) clock.after(delay, () => seen.push([delay, i]))
      await clock.runUntil(20)
      const sorted = delays.map((delay, i) => [delay, i] as const)
      sorted.sort(([a, i], [b, j]) => a - b || i - j)
      t.deepEqual(seen, sorted)
    }),
  )
})

test('while something runs the time is its own, and stays where the run ends', async (t) => {
  const clock = new SimulatedClock()
  const startMs = clock.now().wallMs
  const seen: number[] = []
  clock.after(5, () => {
    clock.after(2.5, () => seen.push(clock.now().monotonicMs))
    seen.push(clock.now().monotonicMs)
  })
  clock.after(11, () => seen.push(-1))
  await clock.runUntil(10)
  t.deepEqual(seen, [5, 7.5])
  t.deepEqual(clock.now(), { monotonicMs: 10, wallMs: startMs + 10 })
})

test('what is cancelled does not run, soon comes after what was queued', async (t) => {
  const clock = new SimulatedClock()
  const seen: string[] = []
  clock.after(1, () => seen.push('cancelled')).cancel()
  clock.after(1, () => {
    clock.soon(() => seen.push('soon'))
    seen.push('first')
  })
  const timer = clock.after(1, () => seen.push('second'))
  await clock.runUntil(1)
  timer.cancel()
  t.deepEqual(seen, ['first', 'second', 'soon'])
})

test('who waits for a promise goes on before the next thing', async (t) => {
  const clock = new SimulatedClock()
  const seen: string[] = []
  const waits = async (promise: Promise<void>) => {
    await promise
    await Promise.resolve()
    seen.push('went on')
  }
  const answered = new Promise<void>((resolve) =>
    clock.after(1, () => {
      clock.settles()
      resolve()
    }),
  )
  const waiting = waits(answered)
  clock.after(1, () => seen.push('next'))
  await clock.runUntil(2)
  await waiting
  t.deepEqual(seen, ['went on', 'next'])
})

test('waiting for what nothing settles ends with an error', async (t) => {
  const clock = new SimulatedClock()
  clock.after(70_000, () => undefined)
  await t.throwsAsync(clock.runFor(new Promise(() => undefined)), { message: /60000 ms/ })
})

test('a frozen process runs late what was due, in order; an ended one nothing', async (t) => {
  const clock = new SimulatedClock()
  const process = new ProcessClock(clock, -500)
  const seen: (readonly [string, number])[] = []
  const note = (name: string) => () => seen.push([name, process.now().monotonicMs])
  t.is(process.now().wallMs, clock.now().wallMs - 500)
  process.after(1, note('a'))
  process.after(2, note('b'))
  const cancelled = process.after(3, note('cancelled'))
  process.after(9, note('c'))
  process.freeze()
  clock.after(5, () => {
    process.thaw()
    cancelled.cancel()
  })
  await clock.runUntil(6)
  t.deepEqual(seen, [
    ['a', 5],
    ['b', 5],
  ])
  process.end()
  await clock.runUntil(10)
  t.is(seen.length, 2)
})

test('the clock of a process runs at its own rate, from its own zero, by its own wall', async (t) => {
  const clock = new SimulatedClock()
  await clock.runUntil(1_000)
  const process = new ProcessClock(clock, 0, 7)
  process.runAt(1.25)
  process.setWall(3_600_000)
  let firedAtMs = 0
  process.after(50, () => {
    firedAtMs = process.now().monotonicMs
  })
  await clock.runUntil(1_041)
  t.true(firedAtMs >= 57 && firedAtMs < 57.01)
  t.is(process.now().monotonicMs, 7 + 41 * 1.25)
  t.is(process.now().wallMs, clock.now().wallMs + 3_600_000)
})
