import { sleep } from '../../../bus/clock.ts'
import { LEASE_MS } from '../../../protocol/limits.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

/** Longer than its lease, by half. */
const FROZEN_MS = LEASE_MS * 1.5

export const staleLeader: Row = {
  number: 2,
  name: 'stale-leader',
  fault: 'SIGSTOP of the leader for one and a half leases, SIGCONT with accepts that wait for it',
  expected: 'it obeys none of them, and steps down',
  invariants: ['I2', 'I4'],
  withinMs: 1_000,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage)
    const leader = await lab.leader()
    const standby = await lab.standby()
    const offer = await inTime(probe.offer(), 'an offer')
    leader.freeze()
    // Its answer is not waited for: the one who is to give it is frozen.
    const queued = probe.attempt(offer)
    await sleep(FROZEN_MS)
    await inTime(standby.says('leads'), 'a new leader')
    const since = stopwatch()
    leader.thaw()
    await inTime(leader.says('lost the lead'), 'the end of the old lead')
    const recoveryMs = since()
    const { taskId } = await inTime(queued, 'what became of the accept that waited')
    await inTime(probe.ran(), 'a task after that')
    const again = leader.lines.filter(({ message }) => message === 'leads').length > 1
    return await finish({
      recoveryMs,
      note: `it stepped down ${recoveryMs} ms after SIGCONT`,
      problems: [
        ...(again ? ['the old leader leads again'] : []),
        ...(probe.startsOf(taskId) > 0 ? ['the old leader has obeyed what waited for it'] : []),
      ],
    })
  },
}
