import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'
import { shimmed } from '../shim.ts'
import { STALL_MS, STALLS } from '../shims/settings.ts'

/** From the end of the stall until the old leader has seen that it leads no more. */
const SEEN_MS = 1_000

export const stalledLeader: Row = {
  number: 36,
  name: 'stalled-leader',
  fault: 'the leader’s event loop stands still for 5 s',
  expected: 'a standby leads; the old leader sees it before it gives another order',
  invariants: ['I2', 'I9'],
  withinMs: 2_500,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage, { env: shimmed('stall-on-signal') })
    const leader = await lab.leader()
    const standby = await lab.standby()
    const offer = await inTime(probe.offer(), 'an offer')
    const since = stopwatch()
    process.kill(leader.pid, 'SIGUSR2')
    // What it hears before it stands still, it may obey.
    await inTime(leader.says(STALLS), 'the stall')
    const queued = probe.attempt(offer)
    await inTime(standby.says('leads'), 'a new leader')
    const recoveryMs = since()
    await inTime(leader.says('lost the lead'), 'the end of the old lead')
    const seenMs = since() - STALL_MS
    const { taskId } = await inTime(queued, 'what became of the accept that waited')
    await inTime(probe.ran(), 'a task after that')
    return await finish({
      recoveryMs,
      note: `a standby led after ${recoveryMs} ms; the old one saw it ${seenMs} ms after the stall`,
      problems: [
        ...(seenMs > SEEN_MS ? [`the old leader saw it ${seenMs} ms after the stall`] : []),
        ...(probe.startsOf(taskId) > 0 ? ['the old leader has obeyed what waited for it'] : []),
      ],
    })
  },
}
