/** What a full disk does to whoever prints there. */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import test from 'ava'

const SAYS = `
import { writeSync } from 'node:fs'
import { watchOutput } from '${new URL('../../../cli/gone-reader.js', import.meta.url).href}'
const ends = (why) => () => void writeSync(3, why)
watchOutput({ gone: ends('gone'), broken: ends('broken') })
for (const stream of [process.stdout, process.stderr]) stream.write('said')`

for (const [what, full, said] of [
  ['what is said beside the work is lost', 'stderr', ''],
  ['what the work is about is missed', 'stdout', 'broken'],
] as const)
  test(`on a full disk ${what}`, (t) => {
    const disk = openSync('/dev/full', 'a')
    t.teardown(() => closeSync(disk))
    const on = (stream: string) => (stream === full ? disk : 'pipe')
    const ended = spawnSync(process.execPath, ['--input-type=module', '-e', SAYS], {
      stdio: ['ignore', on('stdout'), on('stderr'), 'pipe'],
      encoding: 'utf8',
    })
    t.deepEqual([ended.status, ended.output[3]], [0, said])
  })
