/** The lab that fault rows and chaos stand on leaves nothing, however it ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { sleep } from '../../bus/clock.ts'
import { leftOf, tracesOf } from '../../tools/left-behind.ts'

const HELD = fileURLToPath(new URL('../support/held-lab.js', import.meta.url))
const LOOK_MS = 100

async function held(t: ExecutionContext) {
  t.timeout(90_000)
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  const holder = spawn(process.execPath, [HELD], { stdio: [...stdio], detached: true })
  t.teardown(() => holder.kill('SIGKILL'))
  const [said] = await once(holder.stdout, 'data')
  const folder = String(said).trim()
  const traces = tracesOf([folder])
  t.true(traces.processes.length > 8 && traces.ports.length > 0)
  return { holder, folder, traces }
}

test('a terminal that closes, and says so again and again, has a lab take all with it', async (t) => {
  const { holder, folder, traces } = await held(t)
  const ended = once(holder, 'exit')
  while (holder.exitCode === null) {
    process.kill(-(holder.pid ?? 0), 'SIGHUP')
    await Promise.race([ended, sleep(LOOK_MS)])
  }
  t.deepEqual(await ended, [129, null])
  t.deepEqual(leftOf(traces), [])
  t.false(existsSync(folder))
})

test('a lab that is killed with -9 takes servers, actors, tasks and files with it', async (t) => {
  const { holder, folder, traces } = await held(t)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  // Its reaper says nothing, and is no child of ours: what can be seen is what it removes.
  while (existsSync(folder) || leftOf(traces).length > 0) await sleep(LOOK_MS)
  t.deepEqual(leftOf(traces), [])
})
