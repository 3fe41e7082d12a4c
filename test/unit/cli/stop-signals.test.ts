import { spawn } from 'node:child_process'
import { once } from 'node:events'
import ava from 'ava'
import { SimulatedClock } from '../../../bus/simulated/clock.ts'
import { onStopSignal, readerIsGone } from '../../../cli/stop-signals.ts'
import { BOURSE } from '../../support/cluster.ts'

/** They share the process's signals. */
const test = ava.serial

function aListener() {
  const clock = new SimulatedClock()
  const heard: string[] = []
  const forget = onStopSignal((signal, count) => void heard.push(`${signal} ${count}`), clock)
  return { clock, heard, forget }
}

test('one Ctrl-C that comes twice is one; a later one is impatience', async (t) => {
  const { clock, heard, forget } = aListener()
  process.emit('SIGINT')
  process.emit('SIGINT')
  await clock.runUntil(500)
  process.emit('SIGTERM')
  forget()
  t.deepEqual(heard, ['SIGINT 1', 'SIGTERM 2'])
})

test('a reader that goes away ends in order, and hurries nobody', async (t) => {
  const { clock, heard, forget } = aListener()
  t.true(readerIsGone())
  await clock.runUntil(500)
  readerIsGone()
  process.emit('disconnect')
  forget()
  t.deepEqual(heard, ['reader-gone 1'])
})

test('who listens no more hears nothing', (t) => {
  const { heard, forget } = aListener()
  forget()
  t.false(readerIsGone())
  process.emit('SIGINT')
  t.deepEqual(heard, [])
})

test('who has lost its owner before it listened ends all the same', async (t) => {
  // Nobody is there: it would wait.
  const args = [BOURSE, 'master', '--id', 'm1', '--nats', 'nats://127.0.0.1:1']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  child.disconnect()
  t.deepEqual(await once(child, 'exit'), [0, null])
})
