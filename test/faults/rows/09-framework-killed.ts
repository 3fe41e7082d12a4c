import type { Row } from '../row.ts'
import { ended, endedTasks, inTime, openScene, stopwatch } from '../scene.ts'

export const frameworkKilled: Row = {
  number: 9,
  name: 'framework-killed',
  fault: 'kill -9 of a framework in the middle of an acknowledgement; its id comes back later',
  expected:
    'its tasks run on; it is told of what it did not acknowledge, and of all that ended meanwhile',
  invariants: ['I3', 'I5'],
  withinMs: 3_000,
  async run(stage) {
    const { steady, finish } = await openScene(stage, {
      proxied: true,
      steady: { tasks: 20, runMs: [1_000, 6_000] },
    })
    const { link } = steady
    if (link === undefined) throw new Error('the framework has no proxy')
    // It writes a status down, then acknowledges it: what it says from now on is not heard.
    link.cut('out')
    const acknowledged = ended(steady.statuses())
    await inTime(
      steady.reaches((all) => ended(all) > acknowledged),
      'an end that is not acknowledged',
    )
    await steady.kill()
    const { pid } = steady.statuses().at(-1) ?? {}
    const unheard = [...endedTasks(steady.statuses())].slice(acknowledged)
    const before = ended(steady.statuses())
    link.heal()
    await steady.start()
    const since = stopwatch()
    await inTime(
      steady.reaches((all) => ended(all) > before),
      'what ended meanwhile',
    )
    const recoveryMs = since()
    await inTime(
      steady.reaches((all) => {
        const again = endedTasks(all.filter((status) => status.pid !== pid))
        return unheard.every((taskId) => again.has(taskId))
      }),
      'what it had heard and not acknowledged',
    )
    return await finish({
      recoveryMs,
      note: `killed after ${before} ends, ${unheard.length} not acknowledged; the next was told ${recoveryMs} ms after it had subscribed again`,
    })
  },
}
