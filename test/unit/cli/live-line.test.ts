import test from 'ava'
import { SimulatedClock } from '../../../bus/simulated/clock.ts'
import { openLiveLine } from '../../../cli/live-line.ts'

test('the line is drawn again under what is printed, and taken away at the end', async (t) => {
  const clock = new SimulatedClock()
  let written = ''
  const write = (text: string): void => {
    written += text.replaceAll('\r\u001b[K', '<clear>')
  }
  let count = 0
  const line = openLiveLine({ clock, write, columns: () => 10, text: () => `drawn ${++count} x` })
  await clock.runUntil(250)
  line.above(() => write('printed\n'))
  line.close()
  await clock.runUntil(10_000)
  t.is(written, '<clear>drawn 1 x<clear>drawn 2 x<clear>printed\n<clear>drawn 3 x<clear>')
})

test('the line does not wrap', (t) => {
  let written = ''
  const write = (text: string): void => {
    written += text
  }
  const clock = new SimulatedClock()
  openLiveLine({ clock, write, columns: () => 8, text: () => 'much too long' }).close()
  t.true(written.includes('much t…'))
  t.false(written.includes('much to'))
})
