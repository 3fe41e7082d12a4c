import { once } from 'node:events'
import { connect } from 'node:net'
import { sleep } from '../../../bus/clock.ts'
import { openStranger, type Stranger } from '../../support/stranger.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

const MEASURED_MS = 3_000
/** Operators may ask 500 times a second, all together. */
const PAUSE_MS = 5
/** What everybody who listens to all has to read: 16 MB/s. */
const NOISE = Buffer.alloc(8_000)
const NOISE_EVERY_MS = 10
const NOISE_COUNT = 20
/** Of its answers, against the same without the slow one; below the floor nothing is said. */
const TIMES_MAX = 2
const FLOOR_MS = 10

export const slowConsumer: Row = {
  number: 24,
  name: 'slow-consumer',
  fault: 'somebody subscribes to everything and reads nothing',
  expected: 'the server cuts it off; the leader answers others at most half as fast (p99)',
  invariants: ['I7'],
  withinMs: 6_000,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage, { steady: { runMs: [8_000, 10_000] } })
    const url = lab.env['NATS_URL'] ?? ''
    const stranger = await openStranger(url)
    stage.onEnd(() => stranger.close())
    const noise = await openNoise(url)
    stage.onEnd(() => noise.close())
    const before = await answersOf(stranger)
    const since = stopwatch()
    const cut = readNothing(url).then(since)
    const during = await answersOf(stranger)
    const recoveryMs = await inTime(cut, 'the end of the slow one')
    await inTime(probe.ran(), 'a task')
    const isSlow = during > Math.max(FLOOR_MS, before * TIMES_MAX)
    const figures = `${before.toFixed(1)} ms without it, ${during.toFixed(1)} ms with it`
    return await finish({
      recoveryMs,
      note: `cut off after ${recoveryMs} ms; p99 of the leader’s answers: ${figures}`,
      problems: isSlow ? [`p99 of the leader’s answers: ${figures}`] : [],
    })
  },
}

/** Resolves when the server has closed the connection. */
async function readNothing(url: string): Promise<void> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  await once(socket, 'data')
  socket.write('CONNECT {"verbose":false,"pedantic":false}\r\nSUB > 1\r\n')
  socket.pause()
  const gone = new Promise((resolve) => socket.once('close', resolve))
  // What was cut off is seen by who writes to it.
  const timer = setInterval(() => socket.write('PONG\r\n'), 100)
  await gone
  clearInterval(timer)
}

/** In ms, of the answers that came within the time, one after another. */
async function answersOf(stranger: Stranger): Promise<number> {
  const times: number[] = []
  for (const untilMs = performance.now() + MEASURED_MS; performance.now() < untilMs; ) {
    const askedMs = performance.now()
    await stranger.report()
    times.push(performance.now() - askedMs)
    await sleep(PAUSE_MS)
  }
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length * 0.99)] ?? 0
}

async function openNoise(url: string): Promise<{ close(): Promise<void> }> {
  const speaker = await openStranger(url)
  const timer = setInterval(() => {
    for (let i = 0; i < NOISE_COUNT; i++) speaker.say('noise', NOISE)
  }, NOISE_EVERY_MS)
  return {
    async close() {
      clearInterval(timer)
      await speaker.close()
    },
  }
}
