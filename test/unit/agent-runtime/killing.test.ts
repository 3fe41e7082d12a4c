/** Which signal a container gets when. */
import test from 'ava'
import { Killing } from '../../../agent-runtime/containerizer/killing.ts'
import { SimulatedClock } from '../../../bus/simulated/clock.ts'

function aKilling() {
  const clock = new SimulatedClock()
  const sent: string[] = []
  const note = (signal: string) => () => void sent.push(`${signal} at ${clock.now().monotonicMs}`)
  const killing: Killing = new Killing(clock, {
    terminate: note('SIGTERM'),
    kill: note('SIGKILL'),
    againMsMin: 100,
    againMsMax: 200,
  })
  return { clock, killing, sent }
}

test('a kill that is asked for before there is a process begins with it', async (t) => {
  const { clock, killing, sent } = aKilling()
  killing.askFor(100)
  await clock.runUntil(40)
  t.deepEqual(sent, [])
  killing.begin()
  await clock.runUntil(150)
  t.deepEqual(sent, ['SIGTERM at 40', 'SIGKILL at 100'])
})

test('only a shorter grace counts, and SIGTERM comes once', async (t) => {
  const { clock, killing, sent } = aKilling()
  killing.begin()
  for (const graceMs of [300, 100, 200]) killing.askFor(graceMs)
  await clock.runUntil(150)
  t.deepEqual(sent, ['SIGTERM at 0', 'SIGKILL at 100'])
})

test('without a grace there is only SIGKILL, again and again; after the end nothing', async (t) => {
  const { clock, killing, sent } = aKilling()
  killing.begin()
  killing.askFor(0)
  await clock.runUntil(550)
  const again = ['SIGKILL at 0', 'SIGKILL at 100', 'SIGKILL at 300', 'SIGKILL at 500']
  t.deepEqual(sent, again)
  const other = aKilling()
  other.killing.begin()
  other.killing.askFor(100)
  other.killing.stop()
  other.killing.askFor(0)
  await other.clock.runUntil(500)
  t.deepEqual(other.sent, ['SIGTERM at 0'])
})
