/** The way into a container that runs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import test from 'ava'
import { childOf } from '../../../agent-runtime/isolator/namespaces/entering.ts'

/** Of an `fs` that cannot list folders. */
function withoutLists<Result>(run: () => Result): Result {
  const { readdirSync } = fs
  const refuse = () => {
    throw new Error('all of /proc was read')
  }
  fs.readdirSync = refuse as unknown as typeof readdirSync
  syncBuiltinESMExports()
  try {
    return run()
  } finally {
    fs.readdirSync = readdirSync
    syncBuiltinESMExports()
  }
}

test('who is the child of a process is asked of the kernel, not of all processes', async (t) => {
  const parent = spawn('/bin/sh', ['-c', 'sleep 600 & echo $!; wait'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const { pid = 0 } = parent
  const [said] = (await once(parent.stdout, 'data')) as [Buffer]
  const child = Number(said.toString())
  t.is(
    withoutLists(() => childOf(pid)),
    child,
  )
  t.is(
    withoutLists(() => childOf(child)),
    undefined,
    'it has none',
  )
  parent.kill('SIGKILL')
  process.kill(child, 'SIGKILL')
  await once(parent, 'exit')
  t.is(
    withoutLists(() => childOf(pid)),
    undefined,
    'it is gone',
  )
})
