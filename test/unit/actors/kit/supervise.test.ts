import test from 'ava'
import { type Ending, type Supervisor, supervise } from '../../../../actors/kit/supervise.ts'
import { SimulatedClock } from '../../../../bus/simulated/clock.ts'

interface World {
  readonly clock: SimulatedClock
  readonly supervisor: Supervisor
  /** What was done and seen, in order. */
  readonly log: string[]
  /** Ends the process that runs, as it would by itself. */
  readonly end: (ending: Ending) => Promise<void>
  readonly run: (forMs: number) => Promise<void>
}

function aWorld(): World {
  const clock = new SimulatedClock()
  const log: string[] = []
  let resolve: (ending: Ending) => void = () => undefined
  const supervisor = supervise({
    clock,
    start() {
      log.push(`start at ${clock.now().monotonicMs}`)
      const ended = new Promise<Ending>((resolveEnded) => {
        resolve = resolveEnded
      })
      return { ended, signal: (signal) => void log.push(signal) }
    },
    onEnded: (ending, againMs) =>
      void log.push(`${JSON.stringify(ending)} ${againMs ?? 'for good'}`),
  })
  const end = async (ending: Ending): Promise<void> => {
    resolve(ending)
    clock.settles()
    await clock.settled()
  }
  const run = (forMs: number) => clock.runUntil(clock.now().monotonicMs + forMs)
  return { clock, supervisor, log, end, run }
}

test('what ends at once is started again, later and later', async (t) => {
  const { log, end, run } = aWorld()
  for (const againMs of [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]) {
    await end({ code: 1 })
    t.is(log.at(-1), `{"code":1} ${againMs}`)
    await run(againMs)
    t.regex(log.at(-1) ?? '', /^start/)
  }
})

test('what has run for a while and was killed is started again soon', async (t) => {
  const { log, end, run } = aWorld()
  await end({ code: 75 })
  await run(20_000)
  await end({ signal: 'SIGKILL' })
  await run(100)
  t.deepEqual(log, [
    'start at 0',
    '{"code":75} 100',
    'start at 100',
    '{"signal":"SIGKILL"} 100',
    'start at 20100',
  ])
})

for (const ending of [{ code: 64 }, { code: 78 }, { failed: 'no such program' }])
  test(`${JSON.stringify(ending)} is for good`, async (t) => {
    const { log, end, run } = aWorld()
    await end(ending)
    await run(60_000)
    t.deepEqual(log, ['start at 0', `${JSON.stringify(ending)} for good`])
  })

test('what does not end in time is killed', async (t) => {
  const { log, end, run, supervisor } = aWorld()
  const stopped = supervisor.stop(500)
  await run(500)
  await end({ signal: 'SIGKILL' })
  await stopped
  await run(60_000)
  t.deepEqual(log, ['start at 0', 'SIGTERM', 'SIGKILL'])
})

test('what waits to be started is not started after a stop', async (t) => {
  const { log, end, run, supervisor } = aWorld()
  await end({ code: 0 })
  await supervisor.stop(500)
  await run(60_000)
  t.deepEqual(log, ['start at 0', '{"code":0} 100'])
})
