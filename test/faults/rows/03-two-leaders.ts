import { sleep } from '../../../bus/clock.ts'
import { decode } from '../../../bus/codec.ts'
import { LEASE_MS } from '../../../protocol/limits.ts'
import { leaderBeat } from '../../../protocol/subjects.ts'
import { openStranger } from '../../support/stranger.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'
import { shimmed } from '../shim.ts'

const FROZEN_MS = LEASE_MS * 1.5
/** Of leading both. */
const BOTH_MS = 4_000

export const twoLeaders: Row = {
  number: 3,
  name: 'two-leaders',
  fault: 'two masters that believe they lead: their check of the lease is taken out',
  expected: 'agents and frameworks obey the one of the higher epoch only',
  invariants: ['I1', 'I2', 'I4'],
  withinMs: 2_500,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage, { env: shimmed('no-lease-check') })
    const beats = new Map<string, number>()
    const stranger = await openStranger(lab.servers.map(({ url }) => url).join(','))
    stage.onEnd(() => stranger.close())
    stranger.bus.subscribe(leaderBeat.to({ cluster: 'bourse' }), ({ payload }) => {
      const beat = decode(payload)
      const { master, epoch } = (beat.ok ? beat.value : {}) as { master?: string; epoch?: number }
      if (master !== undefined)
        beats.set(
          `${master} in epoch ${epoch}`,
          (beats.get(`${master} in epoch ${epoch}`) ?? 0) + 1,
        )
    })
    const older = await lab.leader()
    const newer = await lab.standby()
    const offer = await inTime(probe.offer(), 'an offer')
    const since = stopwatch()
    older.freeze()
    const queued = probe.attempt(offer)
    await inTime(newer.says('leads'), 'a second leader')
    const recoveryMs = since()
    await sleep(Math.max(0, FROZEN_MS - recoveryMs))
    beats.clear()
    older.thaw()
    await sleep(BOTH_MS)
    const both = [...beats].map(([who, count]) => `${who}: ${count} beats`)
    const { taskId } = await inTime(queued, 'what became of the accept that waited')
    await inTime(probe.ran(), 'a task after that')
    await older.kill()
    return await finish({
      recoveryMs,
      note: `both said that they lead (${both.join(', ')})`,
      problems: [
        ...(probe.startsOf(taskId) > 0 ? ['the older leader was obeyed'] : []),
        ...(both.length < 2 ? ['the old leader did not go on: nothing was shown'] : []),
        ...(older.lines.some(({ message }) => message === 'lost the lead')
          ? ['the old leader stepped down: nothing was shown']
          : []),
      ],
    })
  },
}
