/** Each example as its readers would run it, on a cluster of real processes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { openCluster } from '../support/cluster.ts'

const HELLO = fileURLToPath(new URL('../../examples/hello-scheduler.js', import.meta.url))

test('hello-scheduler starts one task and sees it finish', async (t) => {
  t.timeout(60_000)
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const { folder, env } = cluster
  await cluster.start('master', '--id', 'm1')
  await cluster.start('allocator')
  await cluster.start('agent', '--id', 'a1', '--work-dir', join(folder, 'a1'))
  const example = spawn(process.execPath, [HELLO], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(example, 'exit')
  const lines = (await text(example.stdout)).trim().split('\n')
  t.deepEqual(await exit, [0, null])
  t.deepEqual(
    lines.map((line) => line.replace(/^hello-[0-9a-f]{16} /, '')),
    ['is TASK_RUNNING', 'is TASK_FINISHED'],
  )
})
