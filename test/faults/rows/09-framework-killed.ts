import type { Row } from '../row.ts'
import { ended, inTime, openScene, stopwatch } from '../scene.ts'

export const frameworkKilled: Row = {
  number: 9,
  name: 'framework-killed',
  fault: 'kill -9 of a framework in the middle of an acknowledgement; its id comes back later',
  expected: 'its tasks run on; it is told of all that ended meanwhile',
  invariants: ['I3', 'I5'],
  withinMs: 3_000,
  async run(stage) {
    const { steady, finish } = await openScene(stage, {
      steady: { tasks: 20, runMs: [1_000, 6_000] },
    })
    // It writes a status down, then acknowledges it.
    await inTime(
      steady.reaches((all) => ended(all) > 0),
      'a first end',
    )
    await steady.kill()
    const before = ended(steady.statuses())
    await steady.start()
    const since = stopwatch()
    await inTime(
      steady.reaches((all) => ended(all) > before),
      'what ended meanwhile',
    )
    const recoveryMs = since()
    return await finish({
      recoveryMs,
      note: `killed after ${before} ends, the next was told ${recoveryMs} ms after it had subscribed again`,
    })
  },
}
