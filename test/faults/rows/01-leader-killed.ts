import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

export const leaderKilled: Row = {
  number: 1,
  name: 'leader-killed',
  fault: 'kill -9 of the leading master',
  expected: 'a standby leads; tasks run on',
  invariants: ['I1', 'I2', 'I3', 'I4', 'I5', 'I9'],
  withinMs: 2_500,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage)
    const leader = await lab.leader()
    const standby = await lab.standby()
    const since = stopwatch()
    await leader.kill()
    await inTime(standby.says('leads'), 'a new leader')
    const recoveryMs = since()
    await inTime(probe.ran(), 'a task after that')
    const ranMs = since()
    await leader.start()
    return await finish({
      recoveryMs,
      note: `a standby led after ${recoveryMs} ms, a new task had ended after ${ranMs} ms`,
    })
  },
}
