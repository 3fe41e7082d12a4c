import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import test from 'ava'

const LOGS = `
import { jsonLog } from '${new URL('../../../../actors/kit/logger.js', import.meta.url).href}'
const logs = [jsonLog({ fd: 2 }), jsonLog({ path: '/dev/full' })]
for (let i = 0; i < 3; i++) for (const log of logs) log({ level: 'info', message: 'one' })
setImmediate(() => process.stdout.write('goes on'))`

test('who cannot write its log, as the disk is full, goes on without', (t) => {
  const full = openSync('/dev/full', 'a')
  t.teardown(() => closeSync(full))
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', LOGS], {
    stdio: ['ignore', 'pipe', full],
    encoding: 'utf8',
  })
  t.deepEqual([ended.status, ended.stdout], [0, 'goes on'])
})
