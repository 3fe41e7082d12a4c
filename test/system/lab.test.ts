/** The lab that fault rows and chaos stand on leaves nothing, however it ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { sleep } from '../../bus/clock.ts'
import { leftOf, tracesOf } from '../../tools/left-behind.ts'

const HELD = fileURLToPath(new URL('../support/held-lab.js', import.meta.url))
const LOOK_MS = 100

test('a lab that is killed with -9 takes servers, actors, tasks and files with it', async (t) => {
  t.timeout(90_000)
  const holder = spawn(process.execPath, [HELD], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => holder.kill('SIGKILL'))
  const [said] = await once(holder.stdout, 'data')
  const folder = String(said).trim()
  const traces = tracesOf([folder])
  t.true(traces.processes.length > 8 && traces.ports.length > 0)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  // Its reaper says nothing, and is no child of ours: what can be seen is what it removes.
  while (existsSync(folder) || leftOf(traces).length > 0) await sleep(LOOK_MS)
  t.deepEqual(leftOf(traces), [])
})
