import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

export const duplicateFramework: Row = {
  number: 10,
  name: 'duplicate-framework',
  fault: 'a second process subscribes with the id and secret of a framework',
  expected: 'the older one is told, and ends; the newer one hears of all tasks',
  invariants: ['I2', 'I3'],
  withinMs: 3_000,
  async run(stage) {
    const { lab, steady, finish } = await openScene(stage)
    const newer = await inTime(lab.instance(steady), 'the second process')
    const since = stopwatch()
    await inTime(steady.ended, 'the end of the older process')
    const recoveryMs = since()
    return await finish({
      recoveryMs,
      note: `the older process had ended ${recoveryMs} ms after the newer had subscribed`,
      problems: newer.isRunning ? [] : ['the newer process has ended, too'],
    })
  },
}
