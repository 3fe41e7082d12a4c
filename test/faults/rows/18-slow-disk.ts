import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'
import { shimmed } from '../shim.ts'
import { SLOW_SYNC, SYNC_MS } from '../shims/settings.ts'

const TASKS = 3

export const slowDisk: Row = {
  number: 18,
  name: 'slow-disk',
  fault: 'each sync to disk of masters and agents takes a second',
  expected: 'slower; the leader leads on',
  invariants: ['I2', 'I9'],
  withinMs: 10_000,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage, { env: shimmed('slow-sync') })
    const said = (word: string): number =>
      lab.masters.flatMap(({ lines }) => lines).filter(({ message }) => message === word).length
    const [leads, syncs] = [said('leads'), said(SLOW_SYNC)]
    const since = stopwatch()
    // A framework is a record of the registry, on the disks of all masters.
    const fresh = await inTime(lab.framework({ name: 'fresh', tasks: TASKS }), 'a framework')
    await inTime(fresh.ended, 'its tasks')
    const recoveryMs = since()
    await inTime(probe.ran(), 'a task')
    const slow = said(SLOW_SYNC) - syncs
    return await finish({
      recoveryMs,
      note: `with ${slow} syncs of masters of ${SYNC_MS} ms a new framework’s ${TASKS} tasks had ended after ${recoveryMs} ms`,
      problems: [
        ...(said('leads') > leads ? ['the lead has changed'] : []),
        ...(slow === 0 ? ['no master has synced: nothing was shown'] : []),
      ],
    })
  },
}
